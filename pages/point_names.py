"""Names beside points of a drawing: none lies over another, over a mark, a line or the legend."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from pages.figures import INK, QUIET
from pages.texts import readable

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.backend_bases import RendererBase

_SIZE = 7  # points, of a letter
_MARK = 4.5  # points, from the middle of a mark to its edge
_RINGS = (7.0, 13.0, 20.0, 28.0, 38.0, 50.0, 64.0, 80.0, 100.0)  # points, from a mark to its name
# Eighths of a half circle, the right side first.
_TURNS = (1, -1, 2, -2, 0, 7, -7, 6, -6, 8, 4, -4, 3, -3, 5, -5)
_SPOTS = (0.25, 0.5, 0.75, 0.9)  # of such a line
_LED = 10.0  # points, from which on a line leads from the mark to its name


@dataclass(frozen=True)
class Box:
    """left, bottom, right, top: in pixels."""

    left: float
    bottom: float
    right: float
    top: float

    def meets(self, other: Box) -> bool:
        across = self.left < other.right and other.left < self.right
        return across and self.bottom < other.top and other.bottom < self.top

    def holds(self, other: Box) -> bool:
        across = self.left <= other.left and other.right <= self.right
        return across and self.bottom <= other.bottom and other.top <= self.top


@dataclass(frozen=True)
class Place:
    """Of a name: its box, and how far, in points, it is from its mark."""

    box: Box
    ring: float

    def nearest(self, point: tuple[float, float]) -> tuple[float, float]:
        """Where a line from the point comes to the name."""
        box, (x, y) = self.box, point
        return min(max(x, box.left), box.right), min(max(y, box.bottom), box.top)

    def line_from(self, point: tuple[float, float]) -> Iterator[Box]:
        """Spots of that line, where one is drawn."""
        end = self.nearest(point)
        for share in _SPOTS if self.ring > _LED else ():
            spot = _between(point, end, share)
            yield box_around(spot, spot, 0.5)


def free_places(
    points: Sequence[tuple[float, float]],
    sizes: Sequence[tuple[float, float]],
    taken: Sequence[Box],
    within: Box,
    pixels: float,
) -> list[Place | None]:
    """For each point the nearest place of a name of that width and height that is free; none where there is none.

    taken: what no name may lie over. within: what all names lie in. pixels: of a point of the paper.
    """
    named: list[Box] = []
    found: list[Place | None] = []
    for point, size in zip(points, sizes, strict=True):
        free = (
            place
            for place in _around(*point, size, pixels)
            if within.holds(place.box)
            and not any(place.box.meets(box) for box in (*taken, *named))
            and not any(spot.meets(box) for spot in place.line_from(point) for box in named)
        )
        place = next(free, None)
        found.append(place)
        named += [] if place is None else [place.box]
    return found


def _around(x: float, y: float, size: tuple[float, float], pixels: float) -> Iterator[Place]:
    """Places whose side towards the mark is on a ring around it, from the smallest ring on."""
    width, height = size
    for ring in _RINGS:
        for turn in _TURNS:
            right, up = math.cos(math.pi * turn / 8), math.sin(math.pi * turn / 8)
            left = x + ring * pixels * right - width * (1 - right) / 2
            bottom = y + ring * pixels * up - height * (1 - up) / 2
            yield Place(Box(left, bottom, left + width, bottom + height), ring)


def name_points(
    axes: Axes,
    points: Sequence[tuple[float, float]],
    names: Sequence[str],
    line: Sequence[tuple[float, float]],
    colour: Callable[[str], str] = str,
) -> None:
    """Names of points, empty where there is none. All points are marked, and no name lies over one.

    points, line: in the units of the axes. line: what is drawn from corner to corner, along the axes alone, and also
    stays free. The places are looked for when the figure is drawn, since only then the size of the axes is known.
    """
    from matplotlib.artist import Artist

    class Names(Artist):
        def draw(self, renderer: RendererBase) -> None:
            for part in _parts(axes, points, names, line, renderer, colour):
                part.set_figure(axes.figure)
                part.draw(renderer)

    drawn = Names()
    drawn.set_in_layout(False)
    drawn.set_zorder(6)  # after the legend, which has its place then
    axes.add_artist(drawn)


def _parts(
    axes: Axes,
    points: Sequence[tuple[float, float]],
    names: Sequence[str],
    line: Sequence[tuple[float, float]],
    renderer: RendererBase,
    colour: Callable[[str], str],
) -> Iterator[Artist]:
    from matplotlib.font_manager import FontProperties
    from matplotlib.lines import Line2D
    from matplotlib.text import Text

    pixels, font = float(np.asarray(renderer.points_to_pixels(1))), FontProperties(size=_SIZE)
    pairs: list[tuple[float, float]] = [(x, y) for x, y in axes.transData.transform(points)]
    taken = [box_around((x, y), (x, y), _MARK * pixels) for x, y in pairs]
    corners: list[tuple[float, float]] = [(x, y) for x, y in axes.transData.transform(line)]
    taken += [box_around(one, other, pixels) for one, other in itertools.pairwise(corners)]
    legend = axes.get_legend()
    taken += [] if legend is None else [Box(*legend.get_window_extent(renderer).extents)]
    named = [(readable(name), point) for name, point in zip(names, pairs, strict=True) if name]
    measured = [renderer.get_text_width_height_descent(name, font, False) for name, _ in named]
    sizes = [(width, height) for width, height, _ in measured]
    places = free_places([point for _, point in named], sizes, taken, Box(*axes.bbox.extents), pixels)
    for (name, point), place, (*_, descent) in zip(named, places, measured, strict=True):
        if place is None:
            continue
        box = place.box
        if place.ring > _LED:
            end = place.nearest(point)
            start = _between(point, end, _MARK * pixels / math.dist(point, end))
            yield Line2D(*zip(start, end, strict=True), color=colour(QUIET), linewidth=0.5, transform=None)
        yield Text(box.left, box.bottom + descent, name, fontproperties=font, color=colour(INK))


def box_around(one: tuple[float, float], other: tuple[float, float], around: float) -> Box:
    (left, right), (bottom, top) = sorted((one[0], other[0])), sorted((one[1], other[1]))
    return Box(left - around, bottom - around, right + around, top + around)


def _between(start: tuple[float, float], end: tuple[float, float], share: float) -> tuple[float, float]:
    """The point that lies so far on the way from the one to the other."""
    return start[0] + share * (end[0] - start[0]), start[1] + share * (end[1] - start[1])
