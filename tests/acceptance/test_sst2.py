"""A short real sweep of SST-2 with a real encoder, as a user would run it; about four minutes on two cores."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from sweeps.run import run_sweep
from tests.sweep_specs import load_sweep
from tracking.store import Store

pytestmark = pytest.mark.acceptance


def test_a_short_sweep_of_real_sst2_learns_and_exports(real_data: Path, root: Path) -> None:
    spec, rest = load_sweep(
        "sst2_distilbert",
        [
            f"data.path={real_data / 'data' / 'sst2'}",
            f"model.pretrained={real_data / 'models' / 'minilm-distilbert'}",
            "train.max_steps=160",
            "train.validations=2",
            f"train.threads={os.cpu_count()}",
            "export.latency_seconds=0",
            "pruner={kind: median, startup_trials: 1, warmup_steps: 0}",
            "budget={trials: 2}",
            "finale=none",
        ],
    )
    store = Store.open(root)
    report = run_sweep(spec, store, overrides=rest)
    assert report.best is not None
    metrics = report.best.metrics
    assert metrics["best/val/accuracy"] > 0.82
    assert metrics["test/accuracy"] > 0.80
    assert metrics["export/int8/accuracy"] - metrics["export/fp32/accuracy"] >= -0.01
    assert metrics["export/int8/size_ratio"] <= 0.256
    run = store.find(report.best.run_id)
    assert run.tags["encore.ran.train_examples"] == "56336"
    assert run.tags["encore.ran.dropped_examples"] == "10013"
