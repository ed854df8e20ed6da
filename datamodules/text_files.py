"""Text files in pieces: UTF-8 alone, with a place in the file for each byte that is not."""

from __future__ import annotations

import codecs
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Literal

from errors import UserError
from host.boundary import boundary
from host.files import is_git_lfs_pointer

PIECE_BYTES = 2**20
LONGEST = 2**24  # characters of one row; a file without line ends must not end up in memory
_UTF_8_MARK = "\ufeff"
_READ_CURE = "See that this file can be read."
# How files begin that are no plain text.
_OTHERS = {
    b"\x1f\x8b": ("a gzip file", "Unpack it."),
    b"PK\x03\x04": ("a zip file, as spreadsheets are", "Unpack it, or save the sheet as CSV (UTF-8)."),
    b"\x28\xb5\x2f\xfd": ("a zstandard file", "Unpack it."),
    b"BZh": ("a bzip2 file", "Unpack it."),
    b"\xfd7zXZ": ("an xz file", "Unpack it."),
    b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1": ("an Office document", "Save the sheet as CSV (UTF-8)."),
    b"<!DOCTYP": ("a web page", "Fetch the file itself."),
    b"<!doctyp": ("a web page", "Fetch the file itself."),
    b"PAR1": ("a parquet file", "Give its name the ending .parquet."),
    b"\xff\xfe\0\0": ("UTF-32", "Write it again as UTF-8."),
    b"\xff\xfe": ("UTF-16", "Write it again as UTF-8."),
    b"\xfe\xff": ("UTF-16", "Write it again as UTF-8."),
}


def check_is_no_pointer(file: Path) -> None:
    """UserError where `file` is a pointer of Git LFS, which a clone without it leaves."""
    with boundary("cannot be read", where=str(file), cure=_READ_CURE):
        is_pointer = is_git_lfs_pointer(file)
    if is_pointer:
        raise UserError(
            "is a pointer of Git LFS and not the file itself",
            where=str(file),
            cure="Fetch that with `git lfs pull`.",
        )


def check_plain_text(file: Path) -> None:
    """UserError for a file that begins as a packed one, a table, a pointer or UTF-16 does."""
    check_is_no_pointer(file)
    with boundary("cannot be read", where=str(file), cure=_READ_CURE), file.open("rb") as stream:
        begin = stream.read(8)
    for mark, (what, cure) in _OTHERS.items():
        if begin.startswith(mark):
            raise UserError(f"is {what}", where=str(file), cure=cure)
    if len(begin) > 1 and (not begin[0]) != (not begin[1]):
        raise UserError("is UTF-16", where=str(file), cure="Write it again as UTF-8.")


def text_pieces(file: Path) -> Iterator[str]:
    """The text of `file` in pieces, without the byte-order mark that it may begin with; line ends as they are."""
    held, place, line, first = b"", 0, 1, True
    with boundary("cannot be read", where=str(file), cure=_READ_CURE), file.open("rb") as stream:
        ended = False
        while not ended:
            piece = stream.read(PIECE_BYTES)
            ended = not piece
            data = held + piece
            try:
                text, used = codecs.utf_8_decode(data, "strict", ended)
            except UnicodeDecodeError as error:
                line += data.count(b"\n", 0, error.start)
                raise UserError(
                    f"is not UTF-8 at byte {place + error.start} (line {line})",
                    where=str(file),
                    cure="Write it again as UTF-8.",
                ) from error
            held, place, line = data[used:], place + used, line + text.count("\n")
            if text:
                yield text.removeprefix(_UTF_8_MARK) if first else text
                first = False


def text_lines(pieces: Iterable[str], file: Path) -> Iterator[str]:
    """What stands between line feeds, without them; nothing after the last one."""
    held = ""
    for piece in pieces:
        *lines, held = (held + piece).split("\n")
        yield from lines
        if len(held) > LONGEST:
            raise UserError(
                f"a line has more than {LONGEST:,} characters", where=str(file), cure="Write one row a line."
            )
    if held:
        yield held


def count_lines(file: Path, *, blank: bytes) -> int:
    """Lines that hold more than the bytes `blank`, counted before they are decoded; all where it is empty."""
    with file.open("rb") as stream:
        return sum(1 for line in stream if not blank or line.strip(blank))


def foreign_line_end(file: Path) -> Literal["\r\n", "\r"] | None:
    """What ends every line of the file where that is no line feed alone: CR LF, or CR where there is no LF at all."""
    feeds = pairs = returns = 0
    last = b""
    with file.open("rb") as stream:
        while piece := stream.read(PIECE_BYTES):
            feeds += piece.count(b"\n")
            returns += piece.count(b"\r")
            pairs += piece.count(b"\r\n") + (last == b"\r" and piece[:1] == b"\n")
            last = piece[-1:]
    if feeds == 0:
        return "\r" if returns else None
    return "\r\n" if feeds == pairs else None
