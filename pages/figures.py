"""Figures of a page: drawn by matplotlib, in SVG whose colours are the page's own."""

from __future__ import annotations

import io
import re
import warnings
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pages.tables import Table
from pages.texts import readable

if TYPE_CHECKING:
    from markupsafe import Markup
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis

# Colours that stand for variables of the style sheet, which differ in light, dark and print. Those of series are of
# the palette of Okabe and Ito (2008), which all kinds of colour vision tell apart.
INK, QUIET, GRID, SURFACE = "#010203", "#010204", "#010205", "#010206"
BLUE, VERMILION, GREEN, PURPLE = "#010207", "#010208", "#010209", "#01020a"
ORANGE, SKY = "#01020b", "#01020c"
SERIES = (BLUE, VERMILION, GREEN, PURPLE, ORANGE, SKY)
MARKERS = ("o", "s", "^", "D", "v", "P")
"""A shape for each of `SERIES`: no figure tells by colour alone."""
_VARIABLES = {
    INK: "var(--ink)", QUIET: "var(--quiet)", GRID: "var(--grid)", SURFACE: "var(--surface)",
    BLUE: "var(--blue)", VERMILION: "var(--vermilion)", GREEN: "var(--green)", PURPLE: "var(--purple)",
    ORANGE: "var(--orange)", SKY: "var(--sky)",
}  # fmt: skip
UNDATED = {"Date": None, "Creator": None, "Format": None, "Type": None}
"""Of an SVG's metadata: none, so that the same drawing has the same bytes."""
_CLOSE = 8
WIDE, NARROW = (6.6, 3.1), (3.3, 2.5)  # inches; a wide one at most 1.9 times as large, a narrow one about 1.4
_SETTINGS: dict[str, Any] = {
    "svg.fonttype": "none",  # text stays text
    "text.parse_math": False,  # a name may hold a dollar sign
    "text.usetex": False,
    "axes.unicode_minus": False,
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],  # matplotlib brings it: the same measures everywhere
    "font.size": 8.5,
    "axes.labelsize": 8.5,
    "xtick.labelsize": 8,
    "ytick.labelsize": 8,
    "legend.fontsize": 8,
    "legend.frameon": False,
    "text.color": INK,
    "axes.labelcolor": INK,
    "axes.edgecolor": QUIET,
    "axes.facecolor": "none",
    "figure.facecolor": "none",
    "xtick.color": QUIET,
    "ytick.color": QUIET,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": GRID,
    "grid.linewidth": 0.6,
    "lines.linewidth": 1.2,
    "path.simplify": True,
}


@dataclass(frozen=True)
class Figure:
    """One or more drawings with what they show in words, and the same numbers as a table.

    name: unique on its page. narrow: of wide drawings, what a telephone shows in their place (`drawn_wide`).
    """

    name: str
    title: str
    caption: str
    drawings: tuple[Markup, ...]
    table: Table
    narrow: tuple[Markup, ...] = ()


def drawn(
    draw: Callable[[Axes], None], *, name: str, label: str, inches: tuple[float, float] = NARROW
) -> Markup:
    """An SVG image that `draw` fills; the same calls give the same bytes.

    name: unique on its page; every ID inside begins with it. label: what a screen reader says in its place.
    """
    from markupsafe import Markup
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure as Canvas

    with settings(name):
        canvas = Canvas(figsize=inches, layout="constrained")
        FigureCanvasSVG(canvas)
        draw(canvas.add_subplot())
        buffer = io.StringIO()
        canvas.savefig(buffer, format="svg", metadata=UNDATED)
    return Markup(_of_the_page(buffer.getvalue(), name, label))  # noqa: S704 matplotlib escapes texts


def drawn_wide(
    draw: Callable[[Axes], None], *, name: str, label: str, height: float | None = None
) -> tuple[Markup, Markup]:
    """The image for a wide screen and the same for a telephone's, where the first would be too small to read.

    height: of both, in inches; none: the usual one of each.
    """
    wide, narrow = ((width, height or usual) for width, usual in (WIDE, NARROW))
    return (
        drawn(draw, name=name, label=label, inches=wide),
        drawn(draw, name=f"{name}-narrow", label=label, inches=narrow),
    )


def logarithmic_x(axes: Axes) -> None:
    """Powers of ten, or where they are few also their double and fivefold, in plain digits. Values that lie close
    together stay on the plain scale, which then has more marks."""
    if _is_wide(*axes.dataLim.intervalx):
        axes.set_xscale("log")
        _mark_in_digits(axes.xaxis, *axes.dataLim.intervalx)


def logarithmic_y(axes: Axes) -> None:
    """Likewise."""
    if _is_wide(*axes.dataLim.intervaly):
        axes.set_yscale("log")
        _mark_in_digits(axes.yaxis, *axes.dataLim.intervaly)


def _is_wide(low: float, high: float) -> bool:
    return low > 0 and high >= _CLOSE * low


def _mark_in_digits(axis: Axis, low: float, high: float) -> None:
    from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

    axis.set_major_locator(LogLocator(subs=(1.0,) if high > 200 * low else (1.0, 2.0, 5.0), numticks=7))
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axis.set_minor_locator(NullLocator())


@contextmanager
def settings(name: str, painted: Callable[[str], str] = str) -> Generator[None]:
    """matplotlib's own, whatever a `matplotlibrc` of this machine says. painted: what stands for a colour of these."""
    import matplotlib

    with matplotlib.rc_context(), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")  # the reader's fonts show it
        matplotlib.rcdefaults()
        wanted: Any = {
            key: painted(value) if isinstance(value, str) else value for key, value in _SETTINGS.items()
        }
        matplotlib.rcParams.update(wanted | {"svg.hashsalt": name})
        yield


def _of_the_page(svg: str, name: str, label: str) -> str:
    """Without what belongs to a file of its own: head, metadata, style, IDs that nothing refers to, fonts."""
    from markupsafe import escape

    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"\s*<metadata>.*?</metadata>|<style.*?</style>", "", svg, flags=re.DOTALL)
    used = {*re.findall(r'href="#([^"]+)"', svg), *re.findall(r"url\(#([^)]+)\)", svg)}
    svg = re.sub(r' id="([^"]+)"', lambda found: f' id="{name}-{found[1]}"' if found[1] in used else "", svg)
    svg = re.sub(r'href="#|url\(#', lambda found: f"{found[0]}{name}-", svg)
    svg = re.sub(r"font-family: [^;\"]*;? ?", "", svg)
    svg = re.sub(r"#01020[0-9a-c]", lambda found: _VARIABLES[found[0]], svg)
    svg = re.sub(r"\n\s*", "\n", svg).replace("<defs>\n</defs>\n", "")
    box = re.search(r'viewBox="[^"]+"', svg)
    assert box is not None
    told = escape(readable(label))
    head = f'<svg xmlns:xlink="http://www.w3.org/1999/xlink" {box[0]} role="img" aria-label="{told}">'
    return re.sub(r"^<svg[^>]*>", lambda _: head, svg)
