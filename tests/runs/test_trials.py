"""Runs of a sweep in their order."""

from __future__ import annotations

import itertools
import math

from runs.trials import ranked
from scoring.tasks import TASKS
from tests.runs.test_conditions import run


def test_a_run_whose_score_is_no_number_ranks_with_those_that_have_none_whatever_stands_beside_it() -> None:
    task = next(task for task in TASKS if task.greater_is_better)
    key = f"best/{task.primary_metric}"
    some = [
        run(run_id=name, start_ms=start, metrics=metrics)
        for start, (name, metrics) in enumerate(
            {
                "high": {key: 0.9, "best/val/loss": 0.2},
                "same": {key: 0.9, "best/val/loss": math.nan},
                "low": {key: 0.5},
                "nan": {key: math.nan},
                "none": {},
            }.items()
        )
    ]
    for order in itertools.permutations(some):
        assert [one.run_id for one in ranked(order, task)] == ["high", "same", "low", "nan", "none"]
