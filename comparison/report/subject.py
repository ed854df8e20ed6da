"""What a report is about: a sweep or some runs, in their order, and the settings in which they differ."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from comparison.report.evidence import Evidence, evidence_of
from errors import UserError
from pages.texts import SHORT, label
from runs.differences import NO_NUMBERS
from runs.files import RunFiles
from runs.layout import BEST_RUN_TAG, STAGE_TAG, SWEEP_TAG, TRIAL_TAG, UNTRAINED, RunKind, kind_of
from runs.trials import PRUNED, ended_as, is_of_a_trial, ranked
from scoring.task import Task
from scoring.tasks import task_of_metrics

if TYPE_CHECKING:
    from tracking.entities import RunRecord
    from tracking.store import Store

_SEED = "seed"
_SAID_ELSEWHERE = {*NO_NUMBERS, "name", "description"}
_LAST = {"FINISHED": 0, PRUNED: 1}


@dataclass(frozen=True)
class Subject:
    """runs: trained ones, the winner first, then as they rank. parent: the sweep's own run, where it is one.

    winner: what the sweep selected, or of single runs the best by the held-out slice; none: no run finished.
    """

    store: Store
    title: str
    task: Task
    runs: tuple[RunRecord, ...]
    winner: RunRecord | None
    parent: RunRecord | None
    notes: tuple[str, ...] = ()

    @cached_property
    def varied(self) -> tuple[str, ...]:
        """The settings in which the runs differ, those that differ most first; the seed, which is no setting, last."""
        keys = dict.fromkeys(key for run in self.runs for key in run.params)
        counts = {key: len({run.params.get(key) for run in self.runs if run.params}) for key in keys}
        found = [key for key, count in counts.items() if count > 1 and key not in _SAID_ELSEWHERE]
        return tuple(sorted(found, key=lambda key: (key == _SEED, -counts[key], key)))

    @cached_property
    def axes(self) -> tuple[str, ...]:
        return tuple(key for key in self.varied if key != _SEED)

    @cached_property
    def held(self) -> dict[str, str]:
        """The settings that all runs share."""
        first = next((run.params for run in self.runs if run.params), {})
        return {key: value for key, value in first.items() if key not in {*self.varied, *_SAID_ELSEWHERE}}

    @cached_property
    def scored(self) -> tuple[RunRecord, ...]:
        """The runs that have a score of the held-out slice."""
        return tuple(run for run in self.runs if f"best/{self.task.primary_metric}" in run.metrics)

    @cached_property
    def finished(self) -> tuple[RunRecord, ...]:
        return tuple(run for run in self.runs if run.status == "FINISHED")

    @cached_property
    def names(self) -> dict[str, str]:
        """How the page calls each run, by its ID."""
        return {run.run_id: self.name_of(run) for run in self.runs}

    @cached_property
    def evidence(self) -> Evidence:
        sweep = None if self.parent is None else self.files(self.parent)
        others = [run for run in self.runs if not self.is_winner(run)]
        return evidence_of(self.store, self.runs[0].experiment, self.winner, others, sweep)

    def files(self, run: RunRecord) -> RunFiles:
        return RunFiles(self.store, run)

    def is_winner(self, run: RunRecord) -> bool:
        return self.winner is not None and run.run_id == self.winner.run_id

    def name_of(self, run: RunRecord) -> str:
        """The trial of a sweep's run with its ID, else its ID alone."""
        if self.parent is None or TRIAL_TAG not in run.tags:
            return run.run_id[:SHORT]
        finale = "finale " if run.tags.get(STAGE_TAG) == "finale" else ""
        return f"{finale}t{int(run.tags[TRIAL_TAG]):02d} {run.run_id[:SHORT]}"


def subject_of(store: Store, ids: Sequence[str]) -> Subject:
    """The runs that are named, a sweep's ID standing for all of its trials.

    UserError where there is nothing to report of, one is named twice, or the runs are of different tasks.
    """
    named = [store.find(run_id) for run_id in ids]
    _refuse_twice(named)
    sweeps = [run for run in named if kind_of(run) == RunKind.SWEEP]
    found: dict[str, RunRecord] = {}
    for run in named:
        found |= {
            inner.run_id: inner for inner in (_trials(store, run) if run in sweeps else [_trained(run)])
        }
    parent = named[0] if len(named) == 1 and sweeps else None
    return _subject(store, list(found.values()), parent, [label(run.name) for run in named])


def _subject(
    store: Store, runs: Sequence[RunRecord], parent: RunRecord | None, names: Sequence[str]
) -> Subject:
    task = _task(runs)
    order = ranked(runs, task)
    order.sort(key=lambda run: (_LAST.get(ended_as(run), 2), run.tags.get(STAGE_TAG) != "finale"))
    best = None if parent is None else parent.tags.get(BEST_RUN_TAG)
    finished = [run for run in order if run.status == "FINISHED"]
    winner = next((run for run in finished if best in (None, run.run_id)), None)
    if winner is not None:
        order = [winner, *(run for run in order if run is not winner)]
    title = (
        f"Sweep {parent.tags.get(SWEEP_TAG, parent.name)}"
        if parent is not None
        else _title(names, len(order))
    )
    return Subject(store, title, task, tuple(order), winner, parent)


def _title(names: Sequence[str], count: int) -> str:
    return f"Run {names[0]}" if count == 1 else f"{count} runs compared"


def _task(runs: Sequence[RunRecord]) -> Task:
    found = {run.run_id: task_of_metrics(run.metrics, "best/val") for run in runs}
    tasks = {task.name: task for task in found.values() if task is not None}
    if not tasks:
        raise UserError(
            "none of them has a score",
            where=", ".join(run.run_id[:SHORT] for run in runs[:3]),
            cure="A report needs a run that came to a validation; `encore runs` lists the runs.",
        )
    if len(tasks) > 1:
        raise UserError(
            f"they are of different tasks ({', '.join(sorted(tasks))})",
            where=", ".join(run.run_id[:SHORT] for run in runs[:3]),
            cure="Their scores do not compare: make a report of each.",
        )
    return next(iter(tasks.values()))


def _trials(store: Store, parent: RunRecord) -> list[RunRecord]:
    found = [run for run in store.runs(parent_id=parent.run_id) if is_of_a_trial(run)]
    if not found:
        raise UserError(
            "the sweep has no trial of a training",
            where=parent.label,
            cure="A report is of trained runs; `encore runs --sweep ID` lists what it has.",
        )
    return found


def _trained(run: RunRecord) -> RunRecord:
    if kind_of(run) in UNTRAINED or kind_of(run) is None:
        raise UserError("trained nothing", where=run.label, cure="Name runs that were trained, or a sweep.")
    return run


def _refuse_twice(named: Sequence[RunRecord]) -> None:
    ids = [run.run_id for run in named]
    twice = next((run for run in named if ids.count(run.run_id) > 1), None)
    if twice is not None:
        raise UserError("is named twice", where=twice.label, cure="Name each run once.")
