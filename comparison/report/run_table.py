"""The table of all runs, and the command that makes each of them again."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from comparison.report.values import NONE, figure, setting
from export.variants import DEPLOYED
from pages.sections import Section
from pages.tables import Column, Row, table
from runs.trials import ended_as, selection_score

if TYPE_CHECKING:
    from comparison.report.subject import Subject
    from tracking.entities import RunRecord

_MOST_AXES = 5
TYPED = 12  # characters of an ID in a command: enough in any store
Shown = Callable[["RunRecord"], str]


def run_table(subject: Subject) -> Section:
    """A row for each run, the winner first."""
    columns = _columns(subject)
    kept = [
        (column, cell)
        for column, cell in columns
        if column.look == "code" or any(cell(run) not in ("", NONE) for run in subject.runs)
    ]
    rows = [
        Row(tuple(cell(run) for _, cell in kept), "winner" if subject.is_winner(run) else "")
        for run in subject.runs
    ]
    caption = "The winner first, then by the held-out score; pruned runs after the finished ones."
    return Section(
        "runs",
        "The runs",
        tables=(table("all-runs", caption, [column for column, _ in kept], rows),),
        across=True,
    )


def _columns(subject: Subject) -> list[tuple[Column, Shown]]:
    return [
        (Column("run"), subject.name_of),
        (Column("ended"), lambda run: ended_as(run).lower()),
        *[(Column(_heading(key), note=_room(key)), _setting_of(key)) for key in subject.varied[:_MOST_AXES]],
        (
            Column("held out", "number", _unit(subject)),
            lambda run: _shown(subject, selection_score(run, subject.task)),
        ),
        (Column("official split", "number", _unit(subject)), lambda run: official(subject, run)),
        *_exported(),
        (Column("steps", "number"), _steps_trained(subject)),
        (Column("training", "number", "s"), lambda run: figure(run.metrics.get("time/training_s"), ",.0f")),
        (Column("made again by", "code"), lambda run: f"encore reproduce {run.run_id[:TYPED]}"),
    ]


def _steps_trained(subject: Subject) -> Shown:
    """The last optimiser step: each logs its loss, and a run that was pruned or broke off has no other count."""
    histories = subject.store.metric_histories([run.run_id for run in subject.runs], "train/loss")
    steps = {run_id: points[-1][0] for run_id, points in histories.items() if points}
    return lambda run: figure(steps.get(run.run_id), ",.0f")


def _exported() -> list[tuple[Column, Shown]]:
    """Size and latency of the form that people serve."""
    prefix = f"export/{DEPLOYED.name}"
    return [
        (Column(DEPLOYED.label, "number", "MiB"), lambda run: figure(run.metrics.get(f"{prefix}/size_mib"))),
        (
            Column(DEPLOYED.label, "number", "p50 ms, batch 1"),
            lambda run: figure(run.metrics.get(f"{prefix}/latency_b1_p50_ms")),
        ),
    ]


def official(subject: Subject, run: RunRecord) -> str:
    """The score of the official split, with its interval where the task has one."""
    key = f"test/{subject.task.metric}"
    return _shown(subject, run.metrics.get(key))


def _shown(subject: Subject, value: float | None) -> str:
    return NONE if value is None else subject.task.shown(value)


def _unit(subject: Subject) -> str:
    return subject.task.metric.replace("_", " ")


def _setting_of(key: str) -> Shown:
    return lambda run: setting(run.params[key]) if key in run.params else NONE


def _heading(key: str) -> str:
    return key.rpartition(".")[2].replace("_", " ")


def _room(key: str) -> str:
    return key.rpartition(".")[0]
