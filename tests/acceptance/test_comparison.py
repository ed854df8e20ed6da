"""Two short runs of real SST-2, compared as a user would do it; about two minutes on two cores."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pandas as pd
import pytest

from comparison.answers import answers_of
from comparison.text_slices import slices
from experiments.loading import load_experiment
from experiments.training.train import train
from runs.files import run_named
from tests.processes import encore
from tracking.store import Store

pytestmark = pytest.mark.acceptance


@pytest.fixture(scope="module")
def trained(
    real_data: Path, migrated: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Store, str, str]:
    """A store with a run that hardly learns, and one that does and is exported."""
    root = tmp_path_factory.mktemp("compared") / "mlruns"
    root.mkdir()
    shutil.copy(migrated, root / "mlflow.db")
    store = Store.open(root)
    given = [
        f"data.path={real_data / 'data' / 'sst2'}",
        f"model.pretrained={real_data / 'models' / 'minilm-distilbert'}",
        "train.max_steps=60",
        "train.validations=2",
        f"train.threads={os.cpu_count()}",
        "export.latency_seconds=0",
    ]
    low, high = (
        train(load_experiment("sst2_distilbert", [*given, *more]), store).run_id
        for more in (["optim.learning_rate=2e-5", "export.when=never"], ["optim.learning_rate=1e-4"])
    )
    return store, low, high


def test_a_learning_rate_that_learns_is_better_than_one_that_does_not(
    trained: tuple[Store, str, str],
) -> None:
    store, low, high = trained
    root = store.root
    found = json.loads(encore("compare", low, high, "--root", root, "--json").stdout)
    assert found["rows"] == 872
    assert found["pairs"][0]["verdict"] == "better"
    assert found["pairs"][0]["difference"]["low"] > 0.05
    export = json.loads(encore("compare", high, "--variant", "int8", "--root", root, "--json").stdout)
    flips = export["pairs"][0]["flips"]
    table = pd.read_parquet(run_named(store, high).path("export/predictions.parquet"))
    assert flips["churn"] == pytest.approx(
        (table["torch_prediction"] != table["int8_prediction"]).mean(), abs=0.002
    )
    told = json.loads(encore("best", "sst2", "--root", root, "--json").stdout)
    assert told["run"] == high


def test_slices_of_sst2_hold_what_their_names_say(trained: tuple[Store, str, str]) -> None:
    """On the sentences themselves, whatever was answered."""
    store, low, _ = trained
    found = answers_of(run_named(store, low))
    assert found.classes is not None
    texts = found.texts()
    masks = slices(texts, found.classes, found.classes, ("negative", "positive"))
    negated = {text for text, inside in zip(texts, masks["negation"], strict=True) if inside}
    assert sum("n't" in text.split() for text in negated) == sum("n't" in text.split() for text in texts)
    assert not any(" not " in text for text in texts if text not in negated)
    assert 0.1 < masks["negation"].mean() < 0.4
    assert 0.1 < masks["contrast"].mean() < 0.4
    assert 0.1 < masks["rare words"].mean() < 0.3
    fifths = [int(masks[name].sum()) for name in masks if name.endswith("fifth") and "sure" not in name]
    assert sum(fifths) == 872
    assert min(fifths) > 100
