"""A section of a page as plain data; `sections.html` draws it."""

from __future__ import annotations

from dataclasses import dataclass

from pages.figures import Figure
from pages.tables import Table
from pages.widgets import Widget


@dataclass(frozen=True)
class Fact:
    """A name, its value, and a remark to it."""

    name: str
    value: str
    note: str = ""
    large: bool = False


@dataclass(frozen=True)
class Story:
    """heading: above it. given: the beginning that the model was given. told: what it wrote. ended: by itself."""

    heading: str
    given: str
    told: str
    ended: bool


@dataclass(frozen=True)
class ShownPiece:
    """A piece of a text. under: a number or a word below it. apart: there is white space before it. marked: it differs
    from what stands in other rows."""

    text: str
    under: str = ""
    apart: bool = False
    marked: bool = False


@dataclass(frozen=True)
class PieceRow:
    """One text in pieces. note: behind the heading."""

    heading: str
    note: str
    pieces: tuple[ShownPiece, ...]


@dataclass(frozen=True)
class Section:
    """name: unique on its page, of letters, digits and dashes. across: a wide one, printed in landscape."""

    name: str
    title: str
    paragraphs: tuple[str, ...] = ()
    facts: tuple[Fact, ...] = ()
    notes: tuple[str, ...] = ()
    figures: tuple[Figure, ...] = ()
    tables: tuple[Table, ...] = ()
    folded: tuple[Table, ...] = ()
    """Tables that are opened by whoever wants them."""
    stories: tuple[Story, ...] = ()
    pieces: tuple[PieceRow, ...] = ()
    widget: Widget | None = None
    across: bool = False
