"""How results look in a terminal."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from rich.cells import cell_len, set_cell_size
from rich.console import Console, Group
from rich.table import Table
from rich.text import Text

from comparison.tables import p_equals
from export.variants import EXPORTED
from host.markup import literal

_NAME_WIDTH = 28  # characters that a run's name keeps before a column has to go
_LEAST = 12  # and in any case
_GAP = 2  # blanks between columns
_FIGURE = re.compile(r"|[-+]?[0-9.,]+(e[-+]?[0-9]+)?( [a-zA-Z%]+)?")
SHORT = 8  # characters of a run ID that people type
_STYLES = {"FINISHED": "green", "PRUNED": "yellow", "KILLED": "yellow", "FAILED": "red", "RUNNING": "cyan"}


def fitted(
    console: Console,
    rows: Sequence[Mapping[str, str]],
    *,
    spare: Sequence[str],
    title: str | None = None,
    squeezed: str = "name",
) -> Group:
    """A table of `rows`, one line each, and a line that says which columns the width had no room for.

    A column in which nothing stands is left out. spare: the columns that go first, in their order. squeezed: the one
    that is cut, with an ellipsis, before any goes.
    """
    headings = [heading for heading in (rows[0] if rows else ()) if any(row[heading] for row in rows)]
    widths = {heading: _width(heading, rows) for heading in headings}
    longest = widths.get(squeezed, 0)
    if squeezed in widths:
        widths[squeezed] = min(longest, _NAME_WIDTH)
    left_out: list[str] = []
    for heading in spare:
        if _needed(widths, headings) > console.width and heading in headings:
            headings.remove(heading)
            left_out.append(heading)
    room = console.width - _needed(widths, headings)
    if squeezed in headings:
        widths[squeezed] = max(_LEAST, min(longest, widths[squeezed] + room))
    lines = [f"[italic]{title}[/]"] if title else []
    lines += [
        f"[bold]{line}[/]" if number == 0 else line
        for number, line in enumerate(_lines(rows, headings, widths))
    ]
    text = Text.from_markup("\n".join(lines), overflow="ellipsis", emoji=False)
    text.no_wrap = True
    # In a group, since a text alone would be joined to another, and wrapped.
    return Group(text, *([Text(_told(left_out, console.width), "dim")] if left_out else []))


def _lines(
    rows: Sequence[Mapping[str, str]], headings: Sequence[str], widths: Mapping[str, int]
) -> Iterator[str]:
    """The head and a line for each row, as markup. rich's own table takes a millisecond a row."""
    figures = {head for head in headings if all(_FIGURE.fullmatch(_plain(row[head])) for row in rows)}
    for row in ({head: head for head in headings}, *rows):
        cells = [_padded(row[head], widths[head], right=head in figures) for head in headings]
        yield (" " * _GAP).join(cells).rstrip()


def _padded(markup: str, width: int, *, right: bool) -> str:
    """`markup` as wide as its column; what is longer ends in an ellipsis."""
    plain = _plain(markup)
    spare = width - _cells(plain)
    if spare < 0:
        return literal(f"{set_cell_size(plain, width - 1)}…")
    return f"{' ' * spare}{markup}" if right else f"{markup}{' ' * spare}"


def _cells(text: str) -> int:
    return len(text) if text.isascii() else cell_len(text)


def _plain(markup: str) -> str:
    return Text.from_markup(markup, emoji=False).plain if "[" in markup or "\\" in markup else markup


def _width(heading: str, rows: Sequence[Mapping[str, str]]) -> int:
    return max(_cells(_plain(text)) for text in (heading, *(row[heading] for row in rows)))


def _needed(widths: Mapping[str, int], headings: Sequence[str]) -> int:
    return sum(widths[heading] + _GAP for heading in headings) - _GAP


def _told(left_out: Sequence[str], columns: int) -> str:
    return f"Left out at {columns} columns: {', '.join(map(_plain, left_out))}; --json has them."


def print_gate(console: Console, failures: Sequence[str], metrics: Mapping[str, float]) -> None:
    """What the gate of an export says: each limit missed, or of each variant how sure it is that its limit holds."""
    for failure in failures:
        console.print(f"[bold red]gate failed:[/] {literal(failure)}")
    for variant in () if failures else EXPORTED:
        p = metrics.get(f"export/{variant.name}/limit_p_value")
        if p is not None:
            console.print(_gate_told(variant.label, p), highlight=False)


def _gate_told(label: str, p: float) -> str:
    from export.report import GateVerdict, gate_verdict

    verdict = gate_verdict(None, p)
    proved = verdict is GateVerdict.PROVED
    why = "loses less than its limit" if proved else "keeps to its limit on these rows, too few to prove it"
    return f"gate {verdict}: {label} {why} ({p_equals(p)})"


def styled(status: str, word: str) -> str:
    """A word in the colour of a run's status."""
    return f"[{_STYLES[status]}]{literal(word)}[/]" if status in _STYLES else literal(word)


def print_catalog(console: Console, found: Mapping[str, Mapping[str, str]]) -> None:
    """Names and what they are."""
    for kind, entries in found.items():
        table = Table(title=kind, title_justify="left", show_header=False)
        for name, description in entries.items():
            table.add_row(literal(name), literal(description))
        console.print(table)
