"""A picture that is a file of its own: SVG or PNG, in the colours of a light page."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

from pages.figures import (
    BLUE,
    GREEN,
    GRID,
    INK,
    ORANGE,
    PURPLE,
    QUIET,
    SKY,
    SURFACE,
    UNDATED,
    VERMILION,
    settings,
)
from pages.texts import readable

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

FORMATS = ("svg", "png")
_LIGHT = {
    INK: "#1b2026", QUIET: "#56606b", GRID: "#dfe3e8", SURFACE: "#ffffff", BLUE: "#0066a6", VERMILION: "#b84600",
    GREEN: "#007353", PURPLE: "#99507a", ORANGE: "#8a6100", SKY: "#3a6ea5",
}  # fmt: skip
_PANEL = (4.6, 4.0)  # inches
_ROWS = 4  # of a legend below one panel; below two half as many
_DOTS = 160  # an inch
_COLUMNS = 96  # letters of a line of boxes
_BOXES_WIDE, _LINE = 9.0, 0.42  # inches
_MOST_LINES = 60


def light(colour: str) -> str:
    """What a light page shows for a colour of `pages.figures`."""
    return _LIGHT.get(colour, colour)


def picture(
    draws: Sequence[Callable[[Axes], None]], form: str, *, legend: Callable[[], Sequence[Artist]]
) -> bytes:
    """Panels side by side, each of which a function fills in colours that are `light`; the same calls give the same
    bytes. form: of `FORMATS`. legend: what stands below all of them, each with its label."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    width, height = _PANEL
    with settings("picture", light):
        drawing = Figure(figsize=(width * len(draws), height), layout="constrained", facecolor=light(SURFACE))
        (FigureCanvasSVG if form == "svg" else FigureCanvasAgg)(drawing)
        for axes, draw in zip(drawing.subplots(1, len(draws), squeeze=False)[0], draws, strict=True):
            draw(axes)
        below = list(legend())
        columns = -(-len(below) * len(draws) // _ROWS)
        drawing.legend(handles=below, loc="outside lower center", ncols=columns)
        buffer = io.BytesIO()
        drawing.savefig(
            buffer, format=form, dpi=_DOTS, metadata=UNDATED if form == "svg" else {"Software": None}
        )
    return buffer.getvalue()


def drawing(name: str, inches: tuple[float, float], draw: Callable[[Figure], None]) -> bytes:
    """A PNG that a function fills in colours that are `light`; the same calls give the same bytes."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    with settings(name, light):
        canvas = Figure(figsize=inches, layout="constrained", facecolor=light(SURFACE))
        FigureCanvasAgg(canvas)
        draw(canvas)
        buffer = io.BytesIO()
        canvas.savefig(buffer, format="png", dpi=_DOTS, metadata={"Software": None})
    return buffer.getvalue()


def text_boxes(rows: Sequence[tuple[str, Sequence[tuple[str, str, bool]]]]) -> bytes:
    """A PNG of texts in pieces, a heading before each: pieces in frames that wrap, a word or a number below each, a
    thick frame around those that are marked. What does not fit into so many lines is left out, and said."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    lines = list(_box_lines(rows))
    shown = lines[:_MOST_LINES]
    with settings("boxes", light):
        drawing = Figure(figsize=(_BOXES_WIDE, _LINE * (len(shown) + 0.3)), facecolor=light(SURFACE))
        FigureCanvasAgg(drawing)
        axes = drawing.add_axes((0, 0, 1, 1))
        axes.set_axis_off()
        axes.set(xlim=(0, _COLUMNS + 2), ylim=(len(shown), -0.3))
        for row, (heading, boxes) in enumerate(shown):
            _draw_boxes(axes, row, heading, boxes)
        if len(lines) > len(shown):
            axes.text(1, len(shown) - 0.1, "more: see page.html", color=light(QUIET), fontsize=7)
        buffer = io.BytesIO()
        drawing.savefig(buffer, format="png", dpi=_DOTS, metadata={"Software": None})
    return buffer.getvalue()


_Box = tuple[int, int, str, str, bool]  # where it begins and how wide it is, in letters; texts; marked


def _box_lines(
    rows: Sequence[tuple[str, Sequence[tuple[str, str, bool]]]],
) -> Iterator[tuple[str, list[_Box]]]:
    for heading, pieces in rows:
        yield heading, []
        boxes, at = list[_Box](), 1
        for text, under, marked in pieces:
            shown = readable(text)[: _COLUMNS - 2]
            wide = max(len(shown), len(under)) + 1
            if boxes and at + wide > _COLUMNS:
                yield "", boxes
                boxes, at = [], 1
            boxes.append((at, wide, shown, under, marked))
            at += wide + 1
        if boxes:
            yield "", boxes


def _draw_boxes(axes: Axes, row: int, heading: str, boxes: Sequence[_Box]) -> None:
    from matplotlib.patches import Rectangle

    if heading:
        axes.text(
            1, row + 0.5, readable(heading), color=light(INK), fontweight="bold", fontsize=9, va="center"
        )
    for at, wide, text, under, marked in boxes:
        edge, width = (VERMILION, 1.6) if marked else (QUIET, 0.6)
        axes.add_patch(
            Rectangle((at, row), wide, 0.58, facecolor="none", edgecolor=light(edge), linewidth=width)
        )
        middle = at + wide / 2
        axes.text(
            middle,
            row + 0.3,
            text,
            color=light(INK),
            fontsize=8,
            family="DejaVu Sans Mono",
            ha="center",
            va="center",
        )
        axes.text(
            middle,
            row + 0.74,
            under,
            color=light(QUIET),
            fontsize=5.5,
            family="DejaVu Sans Mono",
            ha="center",
            va="center",
        )
