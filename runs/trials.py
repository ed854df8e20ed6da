"""Runs of a sweep: which of them are of a trial, and which comes first."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from runs.layout import STAGE_TAG, TRIAL_TAG
from tracking.entities import KILLED_BECAUSE_TAG

if TYPE_CHECKING:
    from scoring.task import Task
    from tracking.entities import RunRecord

PRUNED = "PRUNED"


def is_of_a_trial(run: RunRecord, stages: Sequence[str] = ("search", "finale")) -> bool:
    """Whether a run's tags say which trial it is of: in the UI any run can be put below a sweep's, or lose a tag."""
    trial, stage = run.tags.get(TRIAL_TAG, ""), run.tags.get(STAGE_TAG)
    return re.fullmatch("[0-9]{1,9}", trial) is not None and stage in stages


def ended_as(run: RunRecord) -> str:
    """The status in the store, where MLflow knows no word for it: pruned."""
    return PRUNED if run.tags.get(KILLED_BECAUSE_TAG) == "pruned" else run.status


def selection_score(run: RunRecord, task: Task) -> float | None:
    """The metric of the held-out slice at the best step; none where it was not scored."""
    return run.metrics.get(f"best/{task.primary_metric}")


def ranked(runs: Sequence[RunRecord], task: Task) -> list[RunRecord]:
    """Best held-out metric first; between equals the lower held-out loss, then the earlier.

    Unscored runs come last, and a NaN is no score: no order holds among numbers of which one is none.
    """
    sign = -1 if task.greater_is_better else 1

    def place(run: RunRecord) -> tuple[float, float, int]:
        score = selection_score(run, task)
        return (
            _last_if_none(score if score is None else sign * score),
            _last_if_none(run.metrics.get("best/val/loss")),
            run.start_ms,
        )

    return sorted(runs, key=place)


def _last_if_none(value: float | None) -> float:
    return math.inf if value is None or math.isnan(value) else value
