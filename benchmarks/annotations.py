"""Numbers of a page that say which run they come from.

In a text or a table a link to the run's certificate stands behind its numbers, its title names their metrics:

    90.02 % and 0.25 MiB ([fe0d6695](benchmarks/certificates/fe0d6695.json "test/accuracy, export/int8/size_mib"))

holds the two numbers before it, in that order; `-` stands for a number that is not held, such as the 95 of a 95 %
interval. Above a block whose rows name runs, such as what a terminal shows, a comment that readers do not see names the
metrics of the cells behind the ID, `-` for a cell that is not held:

    <!-- figures: -, best/val/accuracy, test/accuracy -->

A number is shown as the run has it; `%` and `points` are hundredths (but of a metric in points), `minutes` are sixty
seconds.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

_NUMBER = r"[+\-−]?(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?(?:[eE][+\-]?\d+)?"
NUMBER = re.compile(rf"(?<![\w.,/#\-−])({_NUMBER})(?![\w]|[.,]\d)(?:\s?(%|points|minutes)(?!\w))?")
_LINK = re.compile(r'\[([^\]\[]*)\]\(([^()\s]*certificates/([^()\s]*))(?:\s+"([^"]*)")?\)')
_POINTER = re.compile(r"\](?:\(|:)\s*<?[^()\s`]*certificates/")
_COMMENT = re.compile(r"^<!--\s*figures:(.*?)-->\s*$")
_CELLS = re.compile(r"[|│]")
_APART = re.compile(r"\S+(?: \S+)*")
_ID = re.compile(r"[0-9a-f]{8,32}")
NOT_HELD = "-"


@dataclass(frozen=True)
class Figure:
    """A number of a page. line: from 1. start: its place in the page's text. run: the first digits of the ID.

    unit: `%`, `points`, `minutes`, or nothing.
    """

    line: int
    start: int
    shown: str
    unit: str
    key: str
    run: str


@dataclass(frozen=True)
class Fault:
    """What is wrong, on which line, with which run; `run` is empty where none can be told."""

    line: int
    run: str
    problem: str


@dataclass(frozen=True)
class Link:
    """A link to a certificate. target: the path as written, from the page's folder."""

    line: int
    run: str
    target: str


@dataclass(frozen=True)
class Annotations:
    """All that a page says of runs."""

    figures: list[Figure]
    links: list[Link]
    faults: list[Fault]


def annotations(text: str) -> Annotations:
    """Read a page of Markdown, or a file whose comments hold such links."""
    found = Annotations([], [], [])
    for begin, end in _scopes(text):
        _read_links(text, begin, end, found)
    for begin, keys, rows in _commented_blocks(text):
        _read_rows(text, begin, keys, rows, found)
    return found


def _scopes(text: str) -> Iterator[tuple[int, int]]:
    """Where a link's numbers may stand: in its row of a table, else in its paragraph. In fences are no links."""
    begin = place = 0
    fenced = False
    for line in text.splitlines(keepends=True):
        place += len(line)
        fence = line.startswith("```")
        if fence or fenced or line.lstrip("# ").startswith("|") or not line.strip("# \n"):
            yield begin, place - len(line)
            if not (fence or fenced):
                yield place - len(line), place
            begin = place
        fenced = fenced != fence
    yield begin, place


def _read_links(text: str, begin: int, end: int, found: Annotations) -> None:
    done = begin
    for link in _LINK.finditer(text, begin, end):
        label, target, file, title = link.groups()
        run, line = file.removesuffix(".json"), _line(text, link.start())
        found.links.append(Link(line, run, target))
        if label.removeprefix("run ") != run or not _ID.fullmatch(run):
            found.faults.append(Fault(line, run, f"the link is called {label!r}, its certificate {file!r}"))
        keys = _keys(title or "")
        numbers = list(NUMBER.finditer(text, done, link.start()))
        if len(numbers) < len(keys):
            found.faults.append(
                Fault(line, run, f"{len(keys)} metrics, and {len(numbers)} numbers before them")
            )
        for number, key in zip(numbers[-len(keys) :], keys, strict=False) if keys else ():
            if key != NOT_HELD:
                found.figures.append(_figure(text, number, key, run))
        done = link.end()
    read = {link.start(2) for link in _LINK.finditer(text, begin, end)}
    for pointer in _POINTER.finditer(text, begin, end):
        if not any(pointer.start() < place <= pointer.end() for place in read):
            form = '[ID](…certificates/ID.json "names")'
            found.faults.append(
                Fault(_line(text, pointer.start()), "", f"a link to a certificate is not written as {form}")
            )


def _commented_blocks(text: str) -> Iterator[tuple[int, list[str], list[str]]]:
    """Of each comment: where the block under it begins, the keys, and the block's lines."""
    lines = text.splitlines(keepends=True)
    place = 0
    fenced = False
    for number, line in enumerate(lines):
        place += len(line)
        fenced = fenced != line.startswith("```")
        if not fenced and (comment := _COMMENT.match(line)):
            yield place, _keys(comment[1]), _block(lines[number + 1 :])


def _block(lines: list[str]) -> list[str]:
    """The fenced block that `lines` begin with, else those up to an empty one."""
    if lines and lines[0].startswith("```"):
        ends = (i for i, line in enumerate(lines) if i and line.startswith("```"))
    else:
        ends = (i for i, line in enumerate(lines) if not line.strip())
    return lines[: next(ends, len(lines))]


def _read_rows(text: str, begin: int, keys: list[str], rows: list[str], found: Annotations) -> None:
    place, named = begin, 0
    for row in rows:
        cells = _cells(row, place)
        ids = [i for i, (_, cell) in enumerate(cells) if _ID.fullmatch(cell.strip())]
        if ids:
            named += 1
            _read_row(text, cells[ids[0] :], keys, found)
        place += len(row)
    if not named:
        found.faults.append(
            Fault(_line(text, begin) - 1, "", "no row under the comment names a run in a cell of its own")
        )


def _read_row(text: str, cells: list[tuple[int, str]], keys: list[str], found: Annotations) -> None:
    (place, run), line = (cells[0][0], cells[0][1].strip()), _line(text, cells[0][0])
    found.links.append(Link(line, run, ""))
    if len(cells) - 1 < len(keys):
        found.faults.append(
            Fault(line, run, f"{len(keys)} metrics, and {len(cells) - 1} cells behind the ID")
        )
    for (place, cell), key in zip(cells[1:], keys, strict=False):
        number = NUMBER.search(text, place, place + len(cell))
        if key != NOT_HELD and number:
            found.figures.append(_figure(text, number, key, run))
        elif key != NOT_HELD and cell.strip():
            found.faults.append(Fault(line, run, f"{key}: {cell.strip()!r} is no number"))


def _cells(row: str, place: int) -> list[tuple[int, str]]:
    """The cells of a row of a table, and where each begins: between bars, else what two blanks or more part."""
    bars = [bar.start() for bar in _CELLS.finditer(row)]
    if not bars:
        return [(place + cell.start(), cell[0]) for cell in _APART.finditer(row)]
    return [(place + a + 1, row[a + 1 : b]) for a, b in pairwise(bars)]


def _keys(listed: str) -> list[str]:
    # A title that goes over a line of a YAML file has its `#` inside.
    return [key.strip("# \n") for key in listed.split(",") if key.strip("# \n")]


def _figure(text: str, number: re.Match[str], key: str, run: str) -> Figure:
    return Figure(_line(text, number.start()), number.start(), number[1], number[2] or "", key, run)


def _line(text: str, place: int) -> int:
    return text.count("\n", 0, place) + 1
