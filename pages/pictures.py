"""A picture that is a file of its own: SVG or PNG, in the colours of a light page."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
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

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes

FORMATS = ("svg", "png")
_LIGHT = {
    INK: "#1b2026", QUIET: "#56606b", GRID: "#dfe3e8", SURFACE: "#ffffff", BLUE: "#0066a6", VERMILION: "#b84600",
    GREEN: "#007353", PURPLE: "#99507a", ORANGE: "#8a6100", SKY: "#3a6ea5",
}  # fmt: skip
_PANEL = (4.6, 4.0)  # inches
_ROWS = 4  # of a legend below one panel; below two half as many
_DOTS = 160  # an inch


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
