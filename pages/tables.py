"""Tables of a page as plain data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

Look = Literal["text", "number", "code", "prose"]


@dataclass(frozen=True)
class Column:
    """look: how the cells stand. note: what the heading means, where it does not say it itself."""

    heading: str
    look: Look = "text"
    note: str = ""


@dataclass(frozen=True)
class Row:
    """The cells, the first of which names the row. marked: what is said of the whole row, such as `winner`."""

    cells: tuple[str, ...]
    marked: str = ""


@dataclass(frozen=True)
class Table:
    """name: unique on its page, of letters, digits and dashes. caption: what stands above."""

    name: str
    caption: str
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]

    def __post_init__(self) -> None:
        assert all(len(row.cells) == len(self.columns) for row in self.rows)


def table(
    name: str, caption: str, columns: Sequence[Column | str], rows: Sequence[Row | Sequence[str]]
) -> Table:
    """A table; a column given as its heading holds text, a row given as its cells is not marked."""
    return Table(
        name,
        caption,
        tuple(Column(column) if isinstance(column, str) else column for column in columns),
        tuple(row if isinstance(row, Row) else Row(tuple(row)) for row in rows),
    )
