"""Plain text files whose rows stand between separators, such as TinyStories' own files."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from datamodules.readers.raw import ROWS_AT_ONCE, RawFile, RawRows
from datamodules.text_files import (
    LONGEST,
    PIECE_BYTES,
    check_plain_text,
    foreign_line_end,
    text_pieces,
)
from errors import UserError


def open_separated(file: Path, separator: str) -> RawFile:
    """The texts between `separator`s, some of which may be empty. A last text needs no separator after it.

    Where every line ends with CR LF, or with CR alone, the texts have LF alone. In memory there is one text and a piece
    of the file. Raises UserError for a file without separators and one that is not UTF-8.
    """
    check_plain_text(file)
    end = foreign_line_end(file)
    return RawFile(
        how="txt",
        chunks=_chunks(file, separator, end),
        count=lambda: _count(file, separator.encode()),
        counted_by=f"{separator} in its bytes",
        notes=() if end is None else (f"the lines of {file.name} end with {_NAMES[end]}: read as LF",),
    )


_NAMES = {"\r\n": "CR LF", "\r": "CR alone"}


def _chunks(file: Path, separator: str, end: str | None) -> Iterator[RawRows]:
    texts = texts_of(file, separator)
    while some := list(islice(texts, ROWS_AT_ONCE)):
        yield RawRows(some if end is None else [text.replace(end, "\n") for text in some], None)


def texts_of(file: Path, separator: str) -> Iterator[str]:
    """The texts of one file, in their order. White space before a first separator and after the last is none."""
    number, held = 0, ""
    for piece in text_pieces(file):
        *parts, held = (held + piece).split(separator)
        for part in parts:
            if number or part.strip():
                yield part
            number += 1
        if len(held) > LONGEST:
            raise _not_separated(file, separator, len(held.encode()))
    if not number:
        raise _not_separated(file, separator, file.stat().st_size)
    if held.strip():
        yield held


def _not_separated(file: Path, separator: str, size: int) -> UserError:
    if size == 0:
        return UserError("is empty", where=str(file), cure=f"Give it texts with {separator} after each.")
    return UserError(
        f"{size:,} bytes without a {separator} would be one text",
        where=str(file),
        cure=f"Put {separator} after each.",
    )


def _count(file: Path, separator: bytes) -> int:
    """Texts by the separators that are found in the bytes."""
    found, before = 0, b""
    with file.open("rb") as stream:
        opens = stream.read(PIECE_BYTES).removeprefix(b"\xef\xbb\xbf").lstrip().startswith(separator)
        stream.seek(0)
        while piece := stream.read(PIECE_BYTES):
            found += (before + piece).count(separator)
            before = (before + piece)[-(len(separator) - 1) :]
        stream.seek(max(0, stream.tell() - PIECE_BYTES))
        closes = stream.read().rstrip().endswith(separator)
    return found + (not closes) - opens
