"""Figures: the same bytes each time, the page's own colours, IDs that no other figure has."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import matplotlib
import pytest
from matplotlib.axes import Axes

from pages.figures import BLUE, MARKERS, SERIES, drawn, logarithmic_x


def draw(axes: Axes) -> None:
    for colour, marker in zip(SERIES, MARKERS, strict=True):
        axes.plot([1, 2, 3], [3, 1, 2], color=colour, marker=marker, label="a $5 & <b> name_x")
    axes.legend()


def test_the_same_figure_has_the_same_bytes_whatever_this_machine_prefers(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    first = drawn(draw, name="one", label="One")
    monkeypatch.setitem(matplotlib.rcParams, "font.size", 30)
    assert drawn(draw, name="one", label="One") == first
    assert matplotlib.rcParams["font.size"] == 30


def test_it_is_svg_in_the_pages_colours_with_text_as_text() -> None:
    svg = drawn(draw, name="one", label='Two "words" & more')
    root = ElementTree.fromstring(str(svg).replace("<svg ", '<svg xmlns="http://www.w3.org/2000/svg" ', 1))  # noqa: S314
    assert root.get("aria-label") == 'Two "words" & more'
    assert root.get("role") == "img"
    assert "a $5 & <b> name_x" in "".join(root.itertext())
    assert set(re.findall(r"#[0-9a-f]{6}\b", svg)) == set()
    for variable in ("--ink", "--grid", "--blue", "--vermilion", "--green", "--purple", "--orange", "--sky"):
        assert f"var({variable})" in svg
    assert "<style" not in svg
    assert "<metadata" not in svg
    assert "DejaVu" not in svg


def test_what_a_screen_reader_says_can_be_written_whatever_is_in_it() -> None:
    svg = drawn(draw, name="one", label="by \udcff\x1b[31m\u202e")
    assert r'aria-label="by \udcff\x1b[31m\u202e"' in svg
    svg.encode()


def test_the_ids_of_two_figures_differ_and_each_reference_is_met() -> None:
    one, two = (drawn(draw, name=name, label=name) for name in ("one", "two"))
    ids = [set(re.findall(r' id="([^"]+)"', svg)) for svg in (one, two)]
    assert not ids[0] & ids[1]
    for svg, known in zip((one, two), ids, strict=True):
        references = {*re.findall(r'href="#([^"]+)"', svg), *re.findall(r"url\(#([^)]+)\)", svg)}
        assert references == known


def test_a_logarithmic_axis_has_plain_numbers() -> None:
    def spread_out(axes: Axes) -> None:
        axes.plot([2e-4, 1e-3, 3e-3], [1, 2, 3], color=BLUE)
        logarithmic_x(axes)

    svg = drawn(spread_out, name="log", label="Log")
    assert ">0.001<" in svg
    assert "mathdefault" not in svg


@pytest.mark.filterwarnings("error")
def test_a_script_that_the_font_lacks_is_drawn_without_a_word() -> None:
    svg = drawn(lambda axes: axes.set_xlabel("你好"), name="script", label="Script")  # pyright: ignore[reportArgumentType]
    assert "你好" in svg
