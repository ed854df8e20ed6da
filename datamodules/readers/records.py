"""Records of a delimited file, by each of the ways in which such a file can be written.

The quoted way is RFC 4180's (https://www.rfc-editor.org/rfc/rfc4180), taken strictly: a field with a quotation mark
begins and ends with one, and has the inner ones twice. The plain way is that of GLUE's files: a row is a line, and a
quotation mark is text. A carriage return is a part of a line's end only before a line feed.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from datamodules.text_files import LONGEST

# Line of the file where the record begins, from 1 on, and its fields as they stand there, quotation marks included.
Record = tuple[int, list[str]]
_QUOTED = r'"[^"]*+(?:""[^"]*+)*+"'
_BACKSLASHED = r'"[^"\\]*+(?:\\[\s\S][^"\\]*+)*+"'


@dataclass
class MisfitError(Exception):
    """A record that cannot have been written in the way that a file is read.

    what: in words, with its line. counts: it has more or fewer fields than the header. cure: where there is one of
    its own.
    """

    what: str
    line: int
    counts: bool = False
    cure: str = ""

    def __str__(self) -> str:
        return self.what


def plain_records(lines: Iterable[str], delimiter: str) -> Iterator[Record]:
    """The header and each row, one a line; blank lines are left out where there are several columns."""
    width = rows = 0
    for number, text in enumerate(lines, start=1):
        fields = text.removesuffix("\r").split(delimiter)
        width = width or len(fields)
        if len(fields) == width:
            rows += 1
            yield number, fields
        elif fields != [""]:
            raise _wrong_width(rows - 1, number, fields, width)


def quoted_records(
    pieces: Iterable[str], delimiter: str, *, backslashed: bool = False, returns: bool = False
) -> Iterator[Record]:
    """The header and each row, of which one may take several lines; blank lines as in `plain_records`.

    backslashed: a quotation mark inside a field has a backslash before it, as Spark and MySQL write it. returns: a
    carriage return after a field without quotation marks stays, though it may be a part of the line's end.
    """
    mark = re.escape(delimiter)
    quoted = _BACKSLASHED if backslashed else _QUOTED
    field = re.compile(rf'({quoted}|[^"{mark}\n]*+)({mark}|\r?\n|\Z)')
    held, line, width, rows, ended = "", 1, 0, 0, False
    pieces = iter(pieces)
    while not ended:
        piece = next(pieces, None)
        ended = piece is None
        text = held + (piece or "")
        begin = 0
        for end, fields in _whole_records(text, field, ended=ended, returns=returns):
            width = width or len(fields)
            if len(fields) == width:
                rows += 1
                yield line, fields
            elif fields != ["\r" if returns and text[end - 2 : end] == "\r\n" else ""]:
                raise _wrong_width(rows - 1, line, fields, width)
            line += text.count("\n", begin, end)
            begin = end
        held = text[begin:]
        if len(held) > LONGEST or (ended and held):
            raise _misquoted(held, line, field, quoted)


def _whole_records(
    text: str, field: re.Pattern[str], *, ended: bool, returns: bool
) -> Iterator[tuple[int, list[str]]]:
    """The end and the fields of each record that is whole in `text`, up to the first that is not or does not fit."""
    fields: list[str] = []
    place = 0
    for found in field.finditer(text):
        content, end = found.groups()
        if found.start() != place or (not end and not ended):
            return  # it does not fit, or nobody knows yet how it goes on
        if not end and not fields and not content:
            return  # after the last line's end there is nothing
        place = found.end()
        if end.endswith("\n") or not end:
            fields.append(content if returns or content[:1] == '"' else content.removesuffix("\r"))
            yield place, fields
            fields = []
        else:
            fields.append(content)
        if not end:
            return


def _misquoted(text: str, line: int, field: re.Pattern[str], quoted: str) -> MisfitError:
    """What is wrong with the record that `text` begins with."""
    place = 0
    while (found := field.match(text, place)) is not None and found[2] and not found[2].endswith("\n"):
        place = found.end()
    line += text.count("\n", 0, place)
    if re.compile(' +"').match(text, place):
        return MisfitError(
            f"a space stands before the quotation mark that opens a field in line {line}",
            line,
            cure="Take it away, or write jsonl or parquet.",
        )
    if text[place : place + 1] != '"':
        return MisfitError(
            f"a quotation mark stands inside a field that begins without one in line {line}", line
        )
    closed = re.compile(quoted).match(text, place)
    if closed is None:
        return MisfitError(f"the quotation mark that opens a field in line {line} is not closed", line)
    line += text.count("\n", place, closed.end())
    return MisfitError(f"text follows the closing quotation mark of a field in line {line}", line)


def _wrong_width(row: int, line: int, fields: list[str], width: int) -> MisfitError:
    named = "1 field" if len(fields) == 1 else f"{len(fields)} fields"
    cure = ""
    if len(fields) < width:
        cure = "Give that row a field for each column, or take it out."
    elif not any(fields[width:]):
        cure = "Take the delimiters at the ends of lines away, or end the header with one, too."
    return MisfitError(f"row {row} (line {line}) has {named}, the header {width}", line, True, cure)


def unquoted(field: str) -> str:
    """What a field of a quoted file says."""
    return field[1:-1].replace('""', '"') if field[:1] == '"' else field
