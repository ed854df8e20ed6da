"""A store with a sweep that nobody trained: runs with the params, tags, metrics and answers of real ones."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from runs.layout import (
    BEST_RUN_TAG,
    KIND_TAG,
    STAGE_TAG,
    SWEEP_FILE,
    SWEEP_TAG,
    TRIAL_TAG,
    RunKind,
    ran_tag,
)
from tests.comparison.made_runs import Made, make, reviews
from tracking.entities import Experiment
from tracking.store import Store

EXPERIMENT = Experiment("demo_reviews", "best/val/accuracy")
SPACE = {
    "optim.learning_rate": {"kind": "float", "low": 2e-4, "high": 3e-3, "log": True},
    "train.precision": {"kind": "choice", "options": ["32-true", "bf16-mixed"]},
}


def params(number: int) -> dict[str, object]:
    return {
        "name": "demo_reviews",
        "description": "A small model on reviews",
        "data.kind": "demo_reviews",
        "model.kind": "distilbert",
        "optim.learning_rate": 2e-4 * (1 + number),
        "train.precision": ["32-true", "bf16-mixed"][number % 2],
    }


def metrics(number: int) -> dict[str, float]:
    right = 0.80 + 0.01 * number
    return {
        "best/val/accuracy": right, "best/val/loss": 1 - right, "best/step": 40, "time/training_s": 12.5,
        "test/accuracy": right - 0.02, "test/accuracy_low": right - 0.04, "test/accuracy_high": right,
        "export/torch/accuracy": right, "export/fp32/accuracy": right, "export/int8/accuracy": right - 0.001,
        "export/torch/latency_b1_p50_ms": 4.0, "export/fp32/latency_b1_p50_ms": 2.0 + number / 10,
        "export/int8/latency_b1_p50_ms": 1.0 + number / 10, "export/fp32/size_mib": 91.0, "export/int8/size_mib": 23.0,
    }  # fmt: skip


def sweep_of(store: Store, trials: int, *, name: str = "tiny", tags: Mapping[str, str] | None = None) -> str:
    """A finished sweep whose last trial but one was pruned and whose best is the last; its ID. tags: of its runs.

    Each trial answers one of 200 rows more than the one before.
    """
    parent = store.start_run(
        experiment=EXPERIMENT,
        name=f"sweep {name}",
        params={},
        tags={KIND_TAG: RunKind.SWEEP, SWEEP_TAG: name},
        description="",
        sampled=False,
    )
    parent.log_json({"space": SPACE}, SWEEP_FILE)
    ids = [_trial(store, parent.run_id, number, trials, tags or {}) for number in range(trials)]
    parent.set_tags({BEST_RUN_TAG: ids[-1]})
    parent.log_summary({"importance/optim.learning_rate": 0.75, "importance/train.precision": 0.25})
    parent.finish("FINISHED")
    return parent.run_id


def _trial(store: Store, parent: str, number: int, trials: int, more: Mapping[str, str]) -> str:
    pruned = number == trials - 2
    run = Made(
        right=np.arange(200) < 150 + number,
        held_out_right=np.arange(100) < 70 + number,
        settings=params(number),
        tags={
            KIND_TAG: RunKind.TRIAL,
            TRIAL_TAG: str(number),
            STAGE_TAG: "search",
            ran_tag("train_examples"): "5500",
            **more,
        },
        experiment=EXPERIMENT.name,
        status="KILLED" if pruned else "FINISHED",
        reason="pruned" if pruned else None,
        parent=parent,
    )
    run_id = make(store, reviews(200, name="<b>text</b>"), run)
    log = store.attach(run_id)
    for step in (10, 20, 30, 40):
        log.log_metrics({"val/accuracy": 0.5 + 0.01 * number + step / 200, "train/loss": 1 / step}, step)
    log.log_metrics({"train/loss": 0.01}, 1043 if number == trials - 1 else 43)
    log.log_summary(metrics(number))
    log.close()
    return run_id
