"""The Pareto front as a drawing: what forms score, by what they cost."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from export.variants import BY_NAME, VARIANTS
from pages.figures import INK, MARKERS, QUIET, SERIES, logarithmic_x
from pages.texts import readable

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_MOST_NAMED = 8
"""Points of the front that bear their names; more would hide one another."""


@dataclass(frozen=True)
class Point:
    """cost: on the axis of the panel. front: of all costs together. large: to be seen first. name: beside it."""

    cost: float
    score: float
    variant: str
    front: bool
    large: bool = False
    name: str = ""


@dataclass(frozen=True)
class Panel:
    """Axes with their units, and whether a greater score is better."""

    cost: str
    score: str
    greater_is_better: bool


def draw_front(axes: Axes, points: Sequence[Point], panel: Panel, colour: Callable[[str], str] = str) -> None:
    """A shape and a colour for each variant, filled where the form is on the front; a line through the best score that
    a cost, or less, buys. colour: as what each of `pages.figures` is painted."""
    for number, variant in enumerate(VARIANTS):
        some = [point for point in points if point.variant == variant.name]
        ink = colour(SERIES[number])
        if some:
            axes.plot(
                [], [], linestyle="", marker=MARKERS[number], color=ink, label=BY_NAME[variant.name].label
            )
        for point in some:
            axes.plot(
                point.cost,
                point.score,
                linestyle="",
                marker=MARKERS[number],
                markersize=7 if point.large else 5,
                markeredgecolor=ink,
                markerfacecolor=ink if point.front else "none",
            )
    steps = list(_steps(points, greater_is_better=panel.greater_is_better))
    axes.plot(*zip(*steps, strict=True), drawstyle="steps-post", color=colour(QUIET), linewidth=0.8, zorder=1)
    _name(axes, points, colour)
    logarithmic_x(axes)
    axes.set_xlabel(panel.cost)
    axes.set_ylabel(panel.score)
    axes.margins(0.15)
    axes.legend()


def _steps(points: Sequence[Point], *, greater_is_better: bool) -> Iterator[tuple[float, float]]:
    """From the cheapest point on, each that scores better than all that cost no more; then as far as points go."""
    best: float | None = None
    for point in sorted(points, key=lambda one: (one.cost, -one.score if greater_is_better else one.score)):
        if best is None or (point.score > best if greater_is_better else point.score < best):
            best = point.score
            yield point.cost, best
    if best is not None:
        yield max(point.cost for point in points), best


def _name(axes: Axes, points: Sequence[Point], colour: Callable[[str], str]) -> None:
    named = [point for point in points if point.name and point.front]
    for point in named if len(named) <= _MOST_NAMED else []:
        axes.annotate(
            readable(point.name),
            (point.cost, point.score),
            xytext=(5, 4),
            textcoords="offset points",
            fontsize=7,
            color=colour(INK),
        )
