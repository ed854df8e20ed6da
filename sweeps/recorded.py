"""What a sweep has found so far, read from the store alone: no study is opened, nothing is written."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING

from comparison.report.attempts import Attempts
from comparison.selection import selection_of_trials
from errors import UserError
from runs.layout import BEST_RUN_TAG, BUDGET_TAG, KIND_TAG, SWEEP_TAG, RunKind
from runs.trials import is_of_a_trial
from scoring.tasks import TASKS, task_of_metrics
from sweeps.config import BudgetConfig
from sweeps.rows import SweepReport, left_out, rows_of, time_spent

if TYPE_CHECKING:
    from tracking.entities import RunRecord
    from tracking.store import Store

_SPACE, _IMPORTANCE = "space/", "importance/"


def newest_sweep(store: Store, name: str) -> RunRecord:
    """The sweep of that name which was begun last. UserError where there is none."""
    found = store.runs(tags={KIND_TAG: RunKind.SWEEP, SWEEP_TAG: name}, limit=1)
    if not found:
        raise UserError(
            "there is no sweep of this name yet",
            where=f"{name} in {store.root}",
            cure=f"`encore sweep {name}` begins it; `encore runs --where 'kind = sweep'` lists those there are.",
        )
    return found[0]


def is_of_decoding(parent: RunRecord) -> bool:
    """Whether a sweep's own run is of a search over how a model writes."""
    return "model_run" in parent.params


def searched_keys(parent: RunRecord) -> list[str]:
    """What a sweep drew, as its own run's params say."""
    return [key.removeprefix(_SPACE) for key in sorted(parent.params) if key.startswith(_SPACE)]


def recorded_report(
    store: Store, parent: RunRecord, notes: Sequence[str] = (), attempts: Attempts | None = None
) -> SweepReport:
    """The trials of a sweep as they stand, the one that it selected, and what mattered. parent: its own run.

    attempts: what could not be made of its report so far; what of this one cannot is a note, too.
    """
    attempts = attempts or Attempts()
    below = store.runs(parent_id=parent.run_id)
    runs = [run for run in below if is_of_a_trial(run)]
    space = searched_keys(parent)
    rows = rows_of(runs, space)
    best_id = parent.tags.get(BEST_RUN_TAG)
    selection = None
    with attempts("what the choice of the best is worth cannot be computed"):
        selection = best_id and selection_of_trials(store, runs, best_id, parent.run_id)
    scored = (task_of_metrics(run.metrics, "best/val") for run in runs)
    task = next((task for task in scored if task is not None), TASKS[0])
    return SweepReport(
        parent.tags.get(SWEEP_TAG, parent.name),
        parent.run_id,
        f"best/{task.primary_metric}",
        tuple(rows),
        next((row for row in rows if row.run_id == best_id), None),
        {
            key.removeprefix(_IMPORTANCE): value
            for key, value in sorted(parent.metrics.items(), key=lambda item: -item[1])
            if key.startswith(_IMPORTANCE)
        },
        time_spent(runs),
        (*notes, *left_out(below, runs), *attempts.notes),
        selection or None,
    )


def progress_of(parent: RunRecord, report: SweepReport) -> str:
    """How far a sweep is, in a sentence."""
    searched = [row for row in report.rows if row.stage == "search"]
    states = {state: sum(row.status == state for row in report.rows) for state in _STATES}
    parts = ", ".join(f"{count} {_STATES[state]}" for state, count in states.items() if count)
    budget = _budget(parent)
    of = "" if budget is None else f" of {budget.trials}"
    ends = budget is not None and len(searched) >= budget.trials
    going = (
        " It is going on."
        if parent.status == "RUNNING"
        else ""
        if ends
        else " The same command goes on with it."
    )
    return f"{len(searched)}{of} trials: {parts or 'none'}.{going}"


_STATES = {
    "FINISHED": "finished",
    "PRUNED": "pruned",
    "FAILED": "failed",
    "KILLED": "killed",
    "RUNNING": "running",
}


def _budget(parent: RunRecord) -> BudgetConfig | None:
    text = parent.tags.get(BUDGET_TAG)
    return None if text is None else BudgetConfig.model_validate(json.loads(text))
