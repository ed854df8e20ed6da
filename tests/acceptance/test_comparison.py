"""Two short runs of real SST-2, compared as a user would do it; about four minutes on two cores."""

from __future__ import annotations

import json
import os
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


def test_a_learning_rate_that_learns_is_better_than_one_that_does_not(real_data: Path, root: Path) -> None:
    store = Store.open(root)
    given = [
        f"data.path={real_data / 'data' / 'sst2'}",
        f"model.pretrained={real_data / 'models' / 'minilm-distilbert'}",
        "train.max_steps=100",
        "train.validations=2",
        f"train.threads={os.cpu_count()}",
        "export.latency_seconds=0",
    ]
    low, high = (
        train(load_experiment("sst2_distilbert", [*given, f"optim.learning_rate={rate}"]), store).run_id
        for rate in ("2e-5", "1e-4")
    )
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


def test_slices_of_sst2_hold_what_their_names_say(real_data: Path, root: Path) -> None:
    """On the sentences themselves: a run of one step is enough for them."""
    store = Store.open(root)
    given = [
        f"data.path={real_data / 'data' / 'sst2'}",
        f"model.pretrained={real_data / 'models' / 'minilm-distilbert'}",
        "data.train_examples=64",
        "train.max_steps=1",
        "train.validations=1",
        "export.when=never",
    ]
    run = train(load_experiment("sst2_distilbert", given), store).run_id
    found = answers_of(run_named(store, run))
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
