"""The front of `encore pareto` as a file: a panel for each cost."""

from __future__ import annotations

from typing import TYPE_CHECKING

from comparison.forms import LOSS, SHOWN, SIZE
from comparison.front_picture import (
    Panel,
    Point,
    draw_front,
    legend_of_forms,
    legend_of_front,
)
from pages.pictures import light, picture

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from comparison.pareto import FormRow, Pareto

_SHORT = 8


def pareto_picture(found: Pareto, form: str) -> bytes:
    """The drawing in one of `pages.pictures.FORMATS`; of each form that has the cost, those of the front filled and
    named."""
    keys = [key for key in (SIZE, found.latency) if any(_cost(row, key) is not None for row in found.forms)]

    def panel(axes: Axes, key: str) -> None:
        draw_front(axes, _points(found, key), _panel(found, key), light)

    marks = [point for key in keys for point in _points(found, key)]
    draws = [lambda axes, key=key: panel(axes, key) for key in keys]
    return picture(draws, form, legend=lambda: [*legend_of_forms(marks, light), *legend_of_front(light)])


def _panel(found: Pareto, key: str) -> Panel:
    unit = {LOSS: "loss, nats/token", "accuracy": "accuracy, %"}[found.score]
    apart = ", not measured alike" if key == found.latency and found.incomparable else ""
    return Panel(f"{SHOWN[key]}{apart}", unit, found.greater_is_better)


def _points(found: Pareto, key: str) -> list[Point]:
    several = len({row.run for row in found.forms}) > 1
    scale = 1.0 if found.score == LOSS else 100.0
    return [
        Point(
            cost=cost,
            score=scale * row.score.value,
            variant=row.variant,
            front=row.place == "front",
            name=_name(row, several=several),
        )
        for row in found.forms
        if (cost := _cost(row, key)) is not None
    ]


def _name(row: FormRow, *, several: bool) -> str:
    """Of a form of the front: the run, where there are several, and the form."""
    if row.place != "front":
        return ""
    return f"{row.run[:_SHORT]} {row.variant}" if several else row.variant


def _cost(row: FormRow, key: str) -> float | None:
    return row.size_mib if key == SIZE else row.latency_ms
