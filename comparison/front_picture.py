"""The Pareto front as a drawing: what forms score, by what they cost."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from export.variants import BY_NAME, VARIANTS
from pages.figures import MARKERS, QUIET, SERIES, logarithmic_x
from pages.point_names import name_points

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.lines import Line2D


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
    a cost, or less, buys. What these are is for a legend to say. colour: as what each of `pages.figures` is
    painted."""
    for point in points:
        marker, ink = _look(point.variant, colour)
        axes.plot(
            point.cost,
            point.score,
            linestyle="",
            marker=marker,
            markersize=7 if point.large else 5,
            markeredgecolor=ink,
            markerfacecolor=ink if point.front else "none",
        )
    steps = list(_steps(points, greater_is_better=panel.greater_is_better))
    axes.plot(*zip(*steps, strict=True), color=colour(QUIET), linewidth=0.8, zorder=1)
    logarithmic_x(axes)
    axes.set_xlabel(panel.cost)
    axes.set_ylabel(panel.score)
    axes.margins(0.15)
    places = [(point.cost, point.score) for point in points]
    name_points(axes, places, [point.name for point in points], steps, colour)


def legend_of_forms(points: Sequence[Point], colour: Callable[[str], str] = str) -> list[Line2D]:
    """What the shapes and colours of these points are, each with its label."""
    present = {point.variant for point in points}
    return [
        _mark(*_look(variant.name, colour), variant.label) for variant in VARIANTS if variant.name in present
    ]


def legend_of_front(colour: Callable[[str], str] = str) -> list[Line2D]:
    """What filled and hollow marks are, and the line."""
    from matplotlib.lines import Line2D

    quiet = colour(QUIET)
    return [
        _mark("o", quiet, "filled: on the front"),
        _mark("o", quiet, "hollow: off it", face="none"),
        Line2D([], [], color=quiet, linewidth=0.8, label="best score at that cost or less"),
    ]


def _mark(marker: str, ink: str, label: str, *, face: str | None = None) -> Line2D:
    from matplotlib.lines import Line2D

    return Line2D(
        [], [], linestyle="", marker=marker, markeredgecolor=ink, markerfacecolor=face or ink, label=label
    )


def _look(variant: str, colour: Callable[[str], str]) -> tuple[str, str]:
    """The shape and the ink of a variant's marks."""
    number = VARIANTS.index(BY_NAME[variant])
    return MARKERS[number], colour(SERIES[number])


def _steps(points: Sequence[Point], *, greater_is_better: bool) -> Iterator[tuple[float, float]]:
    """The corners of a staircase: from the cheapest point on up to each that scores better than all that cost no more,
    then as far as points go."""
    best: float | None = None
    for point in sorted(points, key=lambda one: (one.cost, -one.score if greater_is_better else one.score)):
        if best is None or (point.score > best if greater_is_better else point.score < best):
            if best is not None:
                yield point.cost, best
            best = point.score
            yield point.cost, best
    if best is not None:
        yield max(point.cost for point in points), best
