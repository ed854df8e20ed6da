"""Rows of a delimited file: csv and tsv, quoted or not."""

from __future__ import annotations

import csv
import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from datamodules.labels import number_in
from datamodules.readers.quoting import Layout, Quoting, Said, Undecided, as_said, decide, undecided_error
from datamodules.readers.raw import ROWS_AT_ONCE, RawFile, RawRows, Wanted, check_names
from datamodules.readers.records import MisfitError, Record, quoted_records, unquoted
from datamodules.text_files import check_plain_text, count_lines, text_lines, text_pieces
from errors import UserError
from host.text import shown

DELIMITERS: Mapping[str, str] = {".csv": ",", ".tsv": "\t"}
_OTHERS = {",": "a comma", "\t": "a tab", ";": "a semicolon", "|": "a vertical bar"}
_SEPARATOR_LINE = re.compile(r"sep=[^\r\n]{0,2}\r?")
_MANY = 10


@dataclass(frozen=True)
class DelimitedFile:
    """A delimited file whose header is known. quoting: how it is read."""

    layout: Layout
    quoting: Quoting | Undecided
    width: int


def look_at(file: Path, delimiter: str, wanted: Wanted, said: Said = "auto") -> DelimitedFile:
    """Read the header and find out how the file was written. UserError where that cannot be, or is not as `said`."""
    check_plain_text(file)
    raw = _header(file, delimiter)
    header = [unquoted(name) for name in raw]
    _check_header(header, raw, file, delimiter, wanted)
    layout = Layout.of(file, delimiter, header, wanted)
    in_marks = any(name[:1] == '"' for name in raw)
    if said == "auto":
        quoting = decide(layout, header_is_quoted=in_marks)
    else:
        quoting = as_said(layout, Quoting(said), header_is_quoted=in_marks)
    return DelimitedFile(layout, quoting, len(header))


def with_siblings(files: Sequence[DelimitedFile]) -> list[DelimitedFile]:
    """The same, an undecided one read as those beside it that are decided; UserError where they do not tell."""
    told = {one.quoting for one in files if one.quoting in (Quoting.QUOTED, Quoting.PLAIN)}
    decided: list[DelimitedFile] = []
    for one in files:
        quoting = one.quoting
        if isinstance(quoting, Undecided):
            if len(told) != 1:
                raise undecided_error(one.layout.file, quoting)
            quoting = next(iter(told))
        decided.append(DelimitedFile(one.layout, quoting, one.width))
    return decided


def open_delimited(one: DelimitedFile) -> RawFile:
    """The wanted columns of a file that is decided."""
    layout, quoting = one.layout, one.quoting
    assert isinstance(quoting, Quoting)
    kind = next(suffix for suffix, delimiter in DELIMITERS.items() if delimiter == layout.delimiter)
    how, chunks = f"{kind[1:]}, {quoting}", _chunks(one)
    if quoting is not Quoting.QUOTED:
        blank = b"" if one.width == 1 else b"\r\n"
        return RawFile(how, chunks, lambda: count_lines(layout.file, blank=blank) - 1, "lines")
    read = hashlib.blake2b()
    return RawFile(
        how, _digested(chunks, read), lambda: _read_by_python(one, read.digest()), "Python's csv reader"
    )


def _header(file: Path, delimiter: str) -> list[str]:
    """The fields of the first record, as they stand there."""
    try:
        first = next(quoted_records(text_pieces(file), delimiter), None)
    except MisfitError:  # such as a name with a quotation mark in it; then it is a line
        first = (1, next(text_lines(text_pieces(file), file)).split(delimiter))
    if first is None:
        raise UserError(
            "is empty", where=str(file), cure="Give it a first line with the names of the columns."
        )
    return first[1]


def _check_header(header: list[str], raw: Sequence[str], file: Path, delimiter: str, wanted: Wanted) -> None:
    for other, name in _OTHERS.items():
        names = [unquoted(part) for part in delimiter.join(raw).split(other)]
        if (
            other != delimiter
            and set(wanted.columns) <= set(names)
            and not set(wanted.columns) <= set(header)
        ):
            raise UserError(
                f"{name} stands between its columns and not {_OTHERS[delimiter]}",
                where=str(file),
                cure=f"Write it with {_OTHERS[delimiter]}, or as jsonl or parquet.",
            )
    if _SEPARATOR_LINE.fullmatch(delimiter.join(raw)):
        raise UserError(
            f"its first line is {shown(delimiter.join(raw))}, which Excel alone takes for the delimiter",
            where=str(file),
            cure=f"Take that line out, and write {_OTHERS[delimiter]} between the columns.",
        )
    if any("\r" in name for name in raw):
        raise UserError(
            "its lines end with a carriage return alone",
            where=str(file),
            cure="Write it again with line feeds.",
        )
    check_names(header, wanted, where=str(file), place="its first line names the columns, and ")


def _records(one: DelimitedFile) -> Iterator[Record]:
    layout = one.layout
    if one.quoting is Quoting.QUOTED:
        return ((line, [unquoted(field) for field in fields]) for line, fields in layout.quoted())
    return layout.plain()


def _chunks(one: DelimitedFile) -> Iterator[RawRows]:
    layout = one.layout
    try:
        _refuse_returns(one)
        records = _records(one)
        _, header = next(records)
        header = [name.removesuffix("\r") for name in header]
        while some := list(islice(records, ROWS_AT_ONCE)):
            label_at = layout.label_at
            _refuse_second_header(some, header, layout)
            texts = [fields[layout.text_at] for _, fields in some]
            if one.quoting is not Quoting.QUOTED:
                _refuse_apostrophes(texts, layout.file)
            yield RawRows(
                texts=texts,
                labels=None if label_at is None else [number_in(fields[label_at]) for _, fields in some],
                lines=[line for line, _ in some],
            )
    except MisfitError as misfit:
        raise _misfit_error(misfit, one) from misfit


def _refuse_returns(one: DelimitedFile) -> None:
    """UserError where a carriage return before a line feed can be the text's or its line's: the header has none.

    Of a writer that ends lines with LF alone it is the text's (Python's does not quote it before 3.13), of files that
    were joined it may be either's.
    """
    layout = one.layout
    if layout.text_at != one.width - 1 or not _has_returns_below_its_header(layout.file):
        return
    if one.quoting is Quoting.QUOTED:
        records = quoted_records(text_pieces(layout.file), layout.delimiter, returns=True)
        ends = ((line, fields[-1]) for line, fields in records)
    else:
        ends = enumerate(text_lines(text_pieces(layout.file), layout.file), start=1)
    for line, end in ends:
        if end[-1:] == "\r" and end != "\r":
            raise UserError(
                f"line {line} ends with CR LF and the header with LF alone, so the text may end with CR or not",
                where=str(layout.file),
                cure="End all lines alike, or write the file as jsonl or parquet.",
            )


def _has_returns_below_its_header(file: Path) -> bool:
    with file.open("rb") as stream:
        return not stream.readline().endswith(b"\r\n") and any(line.endswith(b"\r\n") for line in stream)


def _refuse_second_header(some: Sequence[Record], header: Sequence[str], layout: Layout) -> None:
    """UserError for a row that says what the header says, as files do that were joined with their headers."""
    name, place = header[layout.text_at], layout.text_at
    for line, fields in some:
        if fields[place] == name and fields == header:
            raise UserError(
                f"line {line} is the header once more",
                where=str(layout.file),
                cure="Where files were joined, take the header of each but the first out.",
            )


def _refuse_apostrophes(texts: Sequence[str], file: Path) -> None:
    """UserError where each of many texts stands between apostrophes, which some programs quote with."""
    if len(texts) >= _MANY and all(len(text) > 1 and text[0] == text[-1] == "'" for text in texts):
        raise UserError(
            "each of its texts stands between apostrophes",
            where=str(file),
            cure="Use quotation marks, or write jsonl or parquet.",
        )


def _misfit_error(misfit: MisfitError, one: DelimitedFile) -> UserError:
    names = _OTHERS[one.layout.delimiter].removeprefix("a ")
    cure = f"Put texts that hold a {names} in quotation marks, or write jsonl or parquet."
    return UserError(misfit.what, where=str(one.layout.file), cure=misfit.cure or cure)


def _digested(chunks: Iterator[RawRows], digest: hashlib.blake2b) -> Iterator[RawRows]:
    """The same rows; `digest` takes up their texts."""
    for chunk in chunks:
        for text in chunk.texts:
            digest.update(_with_length(str(text)))
        yield chunk


def _with_length(text: str) -> bytes:
    data = text.encode("utf-8", "surrogatepass")
    return len(data).to_bytes(8, "little") + data


def _read_by_python(one: DelimitedFile, digest: bytes) -> int | None:
    """Rows below the header of a quoted file as Python's reader counts them; none where it does not read them.

    UserError unless it finds the same texts, of which `digest` is. It takes a carriage return alone for a line's end.
    """
    file, layout = one.layout.file, one.layout
    csv.field_size_limit(2**31 - 1)
    lines = (f"{line}\n" for line in text_lines(text_pieces(file), file))
    found, rows = hashlib.blake2b(), -1
    try:
        for fields in csv.reader(lines, delimiter=layout.delimiter, strict=True):
            if fields or one.width == 1:
                rows += 1
                if rows:
                    found.update(_with_length(fields[layout.text_at] if fields else ""))
    except csv.Error:
        return None
    if found.digest() != digest:
        raise UserError(
            "Python's csv reader finds other texts in it",
            where=str(file),
            cure="Write the file as jsonl or parquet.",
        )
    return rows
