"""A short real sweep of SST-2 with a real encoder, and its runs compared as a user would do it; about two minutes on
two cores."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pandas as pd
import pytest

from comparison.answers import answers_of
from comparison.text_slices import slices
from runs.files import run_named
from sweeps.rows import SweepReport
from sweeps.run import run_sweep
from tests.processes import encore
from tests.sweep_specs import load_sweep
from tracking.store import Store

pytestmark = pytest.mark.acceptance

_RATES = (1e-4, 2e-5)


@pytest.fixture(scope="module")
def swept(
    real_data: Path, migrated: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Store, SweepReport]:
    """Two trials: a learning rate that learns in so few steps, and one that does not."""
    root = tmp_path_factory.mktemp("sst2") / "mlruns"
    root.mkdir()
    shutil.copy(migrated, root / "mlflow.db")
    spec, rest = load_sweep(
        "sst2_distilbert",
        [
            f"data.path={real_data / 'data' / 'sst2'}",
            f"model.pretrained={real_data / 'models' / 'minilm-distilbert'}",
            "train.max_steps=100",
            "train.validations=2",
            f"train.threads={os.cpu_count()}",
            "export.when=best",
            "export.latency_seconds=0",
            f"space={{optim.learning_rate: {{kind: choice, options: {list(_RATES)}}}}}",
            "sampler={kind: grid}",
            "pruner={kind: none}",
            "budget={trials: 2}",
            "finale=none",
        ],
    )
    store = Store.open(root)
    return store, run_sweep(spec, store, overrides=rest)


def _runs(report: SweepReport) -> tuple[str, str]:
    """IDs of the one that learns and of the one that does not."""
    high, low = (
        next(row.run_id for row in report.rows if float(row.values["optim.learning_rate"]) == rate)
        for rate in _RATES
    )
    return high, low


def test_a_short_sweep_of_real_sst2_learns_and_exports(swept: tuple[Store, SweepReport]) -> None:
    store, report = swept
    assert report.best is not None
    metrics = report.best.metrics
    assert metrics["best/val/accuracy"] > 0.82
    assert metrics["test/accuracy"] > 0.80
    assert metrics["export/int8/accuracy"] - metrics["export/fp32/accuracy"] >= -0.01
    assert metrics["export/int8/size_ratio"] <= 0.256
    run = store.find(report.best.run_id)
    assert run.tags["encore.ran.train_examples"] == "56336"
    assert run.tags["encore.ran.dropped_examples"] == "10013"


def test_a_learning_rate_that_learns_is_better_than_one_that_does_not(
    swept: tuple[Store, SweepReport],
) -> None:
    store, report = swept
    root, (high, low) = store.root, _runs(report)
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


def test_slices_of_sst2_hold_what_their_names_say(swept: tuple[Store, SweepReport]) -> None:
    """On the sentences themselves, whatever was answered."""
    store, report = swept
    found = answers_of(run_named(store, _runs(report)[0]))
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
