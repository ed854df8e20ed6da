"""Words in a plane: the drawing, its numbers, and the same as a picture."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from pages.figures import BLUE, VERMILION, Figure, drawn_wide
from pages.pictures import light, picture
from pages.point_names import name_points
from pages.tables import Column, table

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.lines import Line2D

_HEIGHT = 4.4  # inches
_ASKED, _BESIDE = (VERMILION, "s", "asked"), (BLUE, "o", "near to them")


def plane_figure(plane: Mapping[str, Any]) -> Figure:
    """The first two principal components of the words' vectors."""
    wide, narrow = drawn_wide(
        lambda axes: _draw(axes, plane, str, legend=True),
        name="plane",
        label="Words by the first two principal components of their vectors",
        height=_HEIGHT,
    )
    rows = [
        (one["word"], "asked" if one["asked"] else "", f"{one['x']:.3f}", f"{one['y']:.3f}")
        for one in plane["points"]
    ]
    columns = [Column("word", "code"), Column("which"), Column("first", "number"), Column("second", "number")]
    return Figure(
        "plane-figure",
        "Where the words lie",
        f"{_share(plane, 0)} and {_share(plane, 1)} of these words' variance lie in the two directions that are"
        " drawn; what is far apart here is far apart, and what is near may be far in others.",
        (wide,),
        table("plane-numbers", "The same as numbers, of vectors of length 1", columns, rows),
        narrow=(narrow,),
    )


def plane_picture(plane: Mapping[str, Any]) -> bytes:
    """The same as a PNG."""
    return picture(
        [lambda axes: _draw(axes, plane, light)],
        "png",
        legend=lambda: [_mark(*way, light) for way in _ways(plane)],
    )


def _share(plane: Mapping[str, Any], direction: int) -> str:
    return f"{100 * plane['kept'][direction]:.0f} %"


def _ways(plane: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    return [_ASKED, *([_BESIDE] if not all(one["asked"] for one in plane["points"]) else [])]


def _mark(colour: str, marker: str, label: str, painted: Callable[[str], str]) -> Line2D:
    from matplotlib.lines import Line2D

    return Line2D([], [], color=painted(colour), marker=marker, linestyle="none", markersize=5, label=label)


def _draw(
    axes: Axes, plane: Mapping[str, Any], painted: Callable[[str], str], *, legend: bool = False
) -> None:
    points = [(one["x"], one["y"]) for one in plane["points"]]
    for colour, marker, label in _ways(plane):
        some = [one for one in plane["points"] if one["asked"] == (label == _ASKED[2])]
        axes.plot(
            [one["x"] for one in some],
            [one["y"] for one in some],
            color=painted(colour),
            marker=marker,
            linestyle="none",
            markersize=4,
            label=label,
        )
    axes.margins(0.14)
    axes.set_xlabel(f"first principal component ({_share(plane, 0)})")
    axes.set_ylabel(f"second ({_share(plane, 1)})")
    if legend:
        axes.legend()
    name_points(axes, points, [one["word"] for one in plane["points"]], points[:1] * 2, painted)
