"""The front of `encore pareto` as a file: a panel for each cost."""

from __future__ import annotations

from typing import TYPE_CHECKING

from comparison.forms import LOSS, SHOWN, SIZE
from comparison.front_picture import Panel, Point, draw_front
from pages.pictures import light, picture

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from comparison.pareto import FormRow, Pareto

_SHORT = 8


def pareto_picture(found: Pareto, form: str) -> bytes:
    """The drawing in one of `pages.pictures.FORMATS`; of each form that has the cost, those of the front filled."""
    keys = [key for key in (SIZE, found.latency) if any(_cost(row, key) is not None for row in found.forms)]

    def panel(axes: Axes, key: str) -> None:
        draw_front(axes, _points(found, key), _panel(found, key), light)

    return picture([lambda axes, key=key: panel(axes, key) for key in keys], form)


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
            name=row.run[:_SHORT] if several else "",
        )
        for row in found.forms
        if (cost := _cost(row, key)) is not None
    ]


def _cost(row: FormRow, key: str) -> float | None:
    return row.size_mib if key == SIZE else row.latency_ms
