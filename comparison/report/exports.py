"""What the exports cost and give: size and latency against the score, of every form of every run."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

from comparison.forms import (
    SHOWN,
    SIZE,
    TIE_TOLD,
    Form,
    differing,
    forms_of,
    latency_of,
    placed,
    score_of,
)
from comparison.front_picture import Panel, Point, draw_front, legend_of_forms
from comparison.report.latencies import latency_table
from comparison.report.values import figure
from pages.figures import Figure, drawn
from pages.sections import Section
from pages.tables import Column, Row, Table, table
from runs.layout import EXPORT_GATE, PASSED

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from comparison.report.subject import Subject


def exports_section(subject: Subject) -> Section | None:
    """Nothing where no run was exported."""
    exported = [form for run in subject.runs for form in forms_of(run, run.metrics)]
    score = score_of(subject.task, exported)
    shown = [form for form in exported if score in form.figures]
    if not shown:
        return None
    latency = latency_of(shown)
    apart = differing([form.run.tags for form in shown], latency)
    costs = [SIZE] if apart else [SIZE, latency]
    places = placed(shown, subject.task, score, costs)
    front = {form.label for form, above in zip(shown, places, strict=True) if above == ()}
    name = score.replace("_", " ")
    pictures = [
        drawn(
            partial(_draw, _points(subject, shown, key, score, front), _panel(subject, key, score)),
            name=f"front-{number}",
            label=f"{name} by {SHOWN[key]} of {len(shown)} exported models; the numbers stand in the table below.",
        )
        for number, key in enumerate((SIZE, latency))
        if any(key in form.figures for form in shown)
    ]
    rows = [_row(subject, form, score, latency, on_front=form.label in front) for form in shown]
    drawing = Figure(
        "front",
        "Score against size and latency",
        _caption(name, alike=not apart),
        tuple(pictures),
        _table(name, rows),
    )
    timed = latency_table([form for form in shown if subject.is_winner(form.run)])
    return Section(
        "exports",
        "What the exports cost",
        figures=(drawing,),
        tables=() if timed is None else (timed,),
        notes=_gates(subject),
    )


def _draw(points: Sequence[Point], panel: Panel, axes: Axes) -> None:
    draw_front(axes, points, panel)
    axes.legend(handles=legend_of_forms(points))


def _caption(name: str, *, alike: bool) -> str:
    """alike: whether the latencies compare."""
    of = "size and latency" if alike else "size alone, since the latencies were not measured alike"
    return (
        f"{name.capitalize()} on the official split against size and latency, a mark for each form of each run. "
        f"Filled: on the Pareto front of {name} and {of}: no form of it is as good as another in all and better in "
        "one; hollow: off it. The winner's are larger. The line is the best score at that cost or less. Latency is of "
        f"one text at a time, on the machine of the export; medians {TIE_TOLD} are equal."
    )


def _panel(subject: Subject, key: str, score: str) -> Panel:
    return Panel(SHOWN[key], score.replace("_", " "), subject.task.greater_is_better)


def _points(subject: Subject, shown: Sequence[Form], key: str, score: str, front: set[str]) -> list[Point]:
    return [
        Point(
            cost=form.figures[key],
            score=form.figures[score],
            variant=form.variant.name,
            front=form.label in front,
            large=subject.is_winner(form.run),
        )
        for form in shown
        if key in form.figures
    ]


def _row(subject: Subject, item: Form, score: str, latency: str, *, on_front: bool) -> Row:
    cells = (
        subject.name_of(item.run),
        item.variant.label,
        _score(subject, item, score),
        figure(item.figures.get(SIZE)),
        figure(item.figures.get(latency)),
        figure(item.figures.get(latency.replace("p50", "p95"))),
        figure(item.figures.get("changed_answers"), ",.0f"),
        "yes" if on_front else "",
    )
    return Row(cells, "winner" if subject.is_winner(item.run) else "")


def _score(subject: Subject, item: Form, score: str) -> str:
    value = item.figures[score]
    return subject.task.shown(value) if score == subject.task.metric else f"{value:.4f}"


def _table(score: str, rows: list[Row]) -> Table:
    columns = [
        Column("run"),
        Column("form"),
        Column(score, "number"),
        Column("size", "number", "MiB"),
        Column("median", "number", "ms"),
        Column("95th percentile", "number", "ms"),
        Column("changed from PyTorch", "number"),
        Column("on the front"),
    ]
    return table("exported", "Every form of every exported run", columns, rows)


def _gates(subject: Subject) -> tuple[str, ...]:
    """What the exports missed, by run."""
    tags = [(subject.name_of(run), run.tags.get(EXPORT_GATE, PASSED)) for run in subject.runs]
    return tuple(f"{name}: {tag}" for name, tag in tags if tag != PASSED)
