"""A sweep as plain data: its runs as rows, and what it found."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from runs.layout import EXPORT_GATE, GATE_TAG, STAGE_TAG, TRIAL_TAG
from runs.trials import ended_as

if TYPE_CHECKING:
    from comparison.results import Selection
    from tracking.entities import RunRecord


@dataclass(frozen=True)
class TrialRow:
    """One run of a sweep."""

    trial: int
    stage: str
    run_id: str
    status: str
    values: dict[str, str]
    metrics: dict[str, float]
    gate: str | None
    gate_verdict: str | None


@dataclass(frozen=True)
class SweepReport:
    """All runs of a sweep, the trials first, and the run that it selected by the held-out metric."""

    name: str
    parent_id: str
    primary_metric: str
    rows: tuple[TrialRow, ...]
    best: TrialRow | None
    importances: dict[str, float]
    seconds: dict[str, float]
    notes: tuple[str, ...]
    selection: Selection | None = None
    """How much too good the score looks by which the best was chosen; none where none was."""


def rows_of(runs: Iterable[RunRecord], space: Collection[str]) -> list[TrialRow]:
    """The trials first, then the finale. space: the keys that were searched."""
    return sorted((_row(run, space) for run in runs), key=lambda row: (row.stage == "finale", row.trial))


def _row(run: RunRecord, space: Iterable[str]) -> TrialRow:
    return TrialRow(
        trial=int(run.tags[TRIAL_TAG]),
        stage=run.tags[STAGE_TAG],
        run_id=run.run_id,
        status=ended_as(run),
        values={key: run.params.get(key, "") for key in space},  # a run that died at once has none
        metrics=run.metrics,
        gate=run.tags.get(EXPORT_GATE),
        gate_verdict=run.tags.get(GATE_TAG),
    )


def left_out(below: Sequence[RunRecord], runs: Sequence[RunRecord]) -> list[str]:
    """A sentence where runs below a sweep are none of `runs`, its trials'."""
    odd = [run.run_id[:8] for run in below if run not in runs]
    return [f"left out, as their tags name no trial: {', '.join(odd)}."] if odd else []


def time_spent(runs: Sequence[RunRecord]) -> dict[str, float]:
    """Seconds over all runs by what they were spent on, most first."""
    spent: dict[str, float] = {}
    for run in runs:
        for key, value in run.metrics.items():
            if key.startswith("time/"):
                name = key.removeprefix("time/").removesuffix("_s")
                spent[name] = spent.get(name, 0.0) + value
    return dict(sorted(spent.items(), key=lambda item: -item[1]))
