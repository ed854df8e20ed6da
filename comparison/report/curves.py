"""The course of the held-out metric over the training of each run."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from comparison.report.values import NONE
from pages.figures import BLUE, QUIET, VERMILION, Figure, drawn_wide
from pages.sections import Section
from pages.tables import Column, Row, Table, table
from runs.trials import PRUNED, ended_as

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from comparison.report.subject import Subject
    from tracking.entities import RunRecord

_MOST_POINTS = 200  # of one run: a pixel or two each
_MOST_STEPS = 12  # columns of the table
Points = list[tuple[int, float]]


def learning_curves(subject: Subject) -> Section | None:
    """Nothing where no run came to a second validation."""
    histories = subject.store.metric_histories(
        [run.run_id for run in subject.runs], subject.task.primary_metric
    )
    points = {run_id: thinned(_finite(history), _MOST_POINTS) for run_id, history in histories.items()}
    if all(len(history) < 2 for history in points.values()):
        return None
    metric = subject.task.metric.replace("_", " ")
    wide, narrow = drawn_wide(
        lambda axes: _draw(axes, subject, points),
        name="curves",
        label=f"Held-out {metric} of {len(points)} runs by optimiser step; the numbers stand in the table below.",
    )
    caption = (
        f"Held-out {metric} after each validation. The winner is the thick line with squares, finished runs are thin "
        "lines, pruned runs are dashed and end at a cross."
    )
    figure = Figure("curves", "Learning curves", caption, (wide,), _table(subject, points), (narrow,))
    return Section("learning", "How the runs learned", figures=(figure,))


def thinned(points: Points, most: int) -> Points:
    """At most so many of them, evenly, the last one kept."""
    stride = math.ceil(len(points) / most)
    return points[:: -stride or None][::-1] if stride > 1 else points


def _finite(points: Points) -> Points:
    return [(step, value) for step, value in points if math.isfinite(value)]


def _draw(axes: Axes, subject: Subject, points: dict[str, Points]) -> None:
    for run in reversed(subject.runs):  # the winner on top
        if points[run.run_id]:
            steps, values = zip(*points[run.run_id], strict=True)
            _line(axes, subject, run, steps, values)
    axes.set_xlabel("optimiser step")
    axes.set_ylabel(f"held-out {subject.task.metric.replace('_', ' ')}")


def _line(
    axes: Axes, subject: Subject, run: RunRecord, steps: tuple[int, ...], values: tuple[float, ...]
) -> None:
    if subject.is_winner(run):
        marker = "s" if len(steps) <= _MOST_STEPS else ""
        axes.plot(steps, values, color=VERMILION, linewidth=2.2, marker=marker, markersize=4)
        name = subject.name_of(run).rpartition(" ")[0] or "winner"
        axes.annotate(
            name, (steps[-1], values[-1]), (7, 0), textcoords="offset points", va="center", color=VERMILION
        )
    elif ended_as(run) == PRUNED:
        axes.plot(steps, values, color=QUIET, linewidth=0.8, linestyle=(0, (4, 2)), alpha=0.8)
        axes.plot(steps[-1], values[-1], color=QUIET, marker="x", markersize=4)
    else:
        axes.plot(steps, values, color=BLUE, linewidth=1.0, alpha=0.75)


def _table(subject: Subject, points: dict[str, Points]) -> Table:
    steps = sorted({step for history in points.values() for step, _ in history})
    kept = [step for step, _ in thinned([(step, 0.0) for step in steps], _MOST_STEPS)]
    rows = []
    for run in subject.runs:
        values = dict(points[run.run_id])
        cells = [subject.task.shown(values[step]) if step in values else NONE for step in kept]
        rows.append(Row((subject.name_of(run), *cells), "winner" if subject.is_winner(run) else ""))
    columns = [Column("run"), *(Column(f"step {step:,}", "number") for step in kept)]
    fewer = f", {len(kept)} of {len(steps)} steps" if len(kept) < len(steps) else ""
    return table("curve-points", f"Held-out {subject.task.metric.replace('_', ' ')}{fewer}", columns, rows)
