"""Whether the quotation marks of a delimited file are its writer's or belong to the texts, told from what it holds.

A file that fits one way alone is read that way. Where both fit, they differ in what a text is, and it takes several
rows that hardly anybody would write by chance to decide; fewer leave it undecided, and a file beside it may tell.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Literal

from datamodules.labels import label_of, number_in
from datamodules.readers.raw import Wanted
from datamodules.readers.records import MisfitError, Record, plain_records, quoted_records, unquoted
from datamodules.text_files import text_lines, text_pieces
from errors import UserError
from host.text import shown

_ENOUGH = 3  # rows that nobody writes by chance
# Of one column: that a line opens with a mark and a later one closes with one; that a text stands in marks.
_COMMON_ENOUGH = 10
_PLAIN_TEXT = re.compile(r"[^\W_](?:[\w .,!?'():/-]*[\w.!?')])?")
_NULLS = {"null", "nan", "na", "n/a", "none", "nil"}
_CURE = "Say data.quoting=quoted or data.quoting=unquoted, or write it as jsonl or parquet."
Said = Literal["auto", "quoted", "unquoted"]
"""What a person says of the quotation marks; auto: what the file holds decides."""


class Quoting(StrEnum):
    """How the quotation marks of a file are taken."""

    NONE = "without quotation marks"  # there is nothing to decide
    QUOTED = "quoted"
    PLAIN = "unquoted"


@dataclass(frozen=True)
class Undecided:
    """Both ways fit. why: the two readings, in words."""

    why: str


@dataclass(frozen=True)
class Layout:
    """A delimited file, where its wanted columns stand and how many labels there are (0 for stories)."""

    file: Path
    delimiter: str
    text_at: int
    label_at: int | None
    classes: int

    @classmethod
    def of(cls, file: Path, delimiter: str, header: list[str], wanted: Wanted) -> Layout:
        label_at = None if wanted.label is None else header.index(wanted.label)
        return cls(file, delimiter, header.index(wanted.text), label_at, len(wanted.label_names))

    def has_label(self, fields: list[str]) -> bool:
        """Whether a label stands where one belongs; true for stories."""
        return self.label_at is None or self.is_label(fields[self.label_at])

    def is_label(self, field: str) -> bool:
        """Whether a field of an unquoted file is a label; a carriage return may end its line."""
        return label_of(number_in(field.removesuffix("\r")), self.classes) is not None

    def plain(self) -> Iterator[Record]:
        return plain_records(text_lines(text_pieces(self.file), self.file), self.delimiter)

    def quoted(self, *, backslashed: bool = False) -> Iterator[Record]:
        return quoted_records(text_pieces(self.file), self.delimiter, backslashed=backslashed)


@dataclass
class _Quoted:
    """What the quoted reading finds in the column of texts."""

    quoted: int = 0
    doubled: int = 0  # texts with quotation marks in them, written twice
    spanning: int = 0  # texts of several lines
    needless: int = 0  # texts in quotation marks that no field needs
    bare: bool = False  # a text with spaces that has no quotation marks, so not everything was put in some
    rows_inside: int | None = None  # line of the first record in which other rows seem to stand
    several_lines: bool = False  # a record takes more than one, in whichever column
    example: str = ""


def decide(layout: Layout, *, header_is_quoted: bool) -> Quoting | Undecided:
    """How the file is read. UserError where no way fits it, or where it was written with backslashes."""
    if not any('"' in piece for piece in text_pieces(layout.file)):
        return Quoting.NONE
    quoted = _quoted_evidence(layout)
    if header_is_quoted:
        if isinstance(quoted, MisfitError):
            _refuse_backslashes(layout)
            raise _fits_neither(layout, quoted, None)
        return Quoting.QUOTED
    _refuse_backslashes(layout)
    plain = _plain_misfit(layout)
    if isinstance(quoted, MisfitError):
        if plain is not None:
            raise _fits_neither(layout, quoted, plain)
        _refuse_escaped_texts(layout)
        return Quoting.PLAIN
    if quoted.rows_inside is not None:
        raise UserError(
            f"the text in quotation marks that begins in line {quoted.rows_inside} holds what looks like rows",
            where=str(layout.file),
            cure="Say data.quoting=quoted if it is one text; write the file as jsonl or parquet if these are rows.",
        )
    return Quoting.QUOTED if plain is not None else _weighed(quoted)


def as_said(layout: Layout, said: Quoting, *, header_is_quoted: bool) -> Quoting:
    """`said`, or that there is nothing to decide. UserError where the file holds what does not fit that."""
    if not any('"' in piece for piece in text_pieces(layout.file)):
        return Quoting.NONE
    if said is Quoting.PLAIN and header_is_quoted:
        raise _contradicts(layout, said, "the names of its columns stand in quotation marks", "")
    misfit = _plain_misfit(layout) if said is Quoting.PLAIN else _quoted_evidence(layout)
    if not isinstance(misfit, MisfitError):
        return said
    if said is Quoting.QUOTED:
        _refuse_backslashes(layout)
    raise _contradicts(layout, said, misfit.what, misfit.cure)


def _contradicts(layout: Layout, said: Quoting, what: str, cure: str) -> UserError:
    return UserError(
        f"is not {said}, as data.quoting says: {what}",
        where=str(layout.file),
        cure=cure or "Leave data.quoting out, so that what the file holds decides.",
    )


def _weighed(found: _Quoted) -> Quoting | Undecided:
    """Both ways fit: which one the texts speak for."""
    if not found.quoted and not found.several_lines:
        return Quoting.NONE  # quotation marks stand in other columns
    everything = found.needless > 0 and not found.bare
    if found.needless and not everything and not found.doubled:
        return (
            Quoting.PLAIN
        )  # a writer quotes what needs it, or all; not one text in quotation marks among others
    is_enough = found.doubled >= _ENOUGH or max(found.spanning, found.needless) >= _COMMON_ENOUGH
    if is_enough and (everything or not found.needless):
        return Quoting.QUOTED
    return Undecided(
        f"its quotation marks can be its writer's or its texts': the first such text is "
        f"{shown(unquoted(found.example))} or {shown(found.example)}"
    )


def undecided_error(file: Path, undecided: Undecided) -> UserError:
    return UserError(undecided.why, where=str(file), cure=_CURE)


def _quoted_evidence(layout: Layout) -> _Quoted | MisfitError:
    found = _Quoted()
    records = layout.quoted()
    try:
        next(records, None)  # the header
        for line, fields in records:
            raw = fields[layout.text_at]
            if any("\n" in field for field in fields):
                found.several_lines = True
                if found.rows_inside is None and _looks_like_rows(fields, layout):
                    found.rows_inside = line
            if raw[:1] != '"':
                found.bare = found.bare or " " in raw
                continue
            content = raw[1:-1]
            found.quoted += 1
            found.doubled += '"' in content and any(c.isalnum() for c in content)
            found.spanning += "\n" in content
            found.needless += _needs_no_marks(content) and layout.delimiter not in content
            found.example = found.example or raw
    except MisfitError as misfit:
        return misfit
    return found


def _needs_no_marks(content: str) -> bool:
    """Whether no writer puts a text in quotation marks for what stands in it.

    Besides delimiters, marks and line ends DuckDB does for `#`, univocity (Spark) for that and for white space at an
    end, PostgreSQL for what could be a null.
    """
    return _PLAIN_TEXT.fullmatch(content) is not None and content.casefold() not in _NULLS


def _looks_like_rows(fields: list[str], layout: Layout) -> bool:
    """Whether lines of a record could be rows of their own, which a stray quotation mark has joined.

    So it is if each has the right number of fields and one before the last has a label, or if each before the last
    has a label at its end (its begin, where that is the place of labels), whatever else stands there.
    """
    lines = [line.split(layout.delimiter) for line in layout.delimiter.join(fields).split("\n")]
    width, label_at, inner = len(fields), layout.label_at, lines[:-1]
    if width == 1:
        return False
    if all(len(line) == width for line in lines) and any(layout.has_label(line) for line in inner):
        return True
    at_an_end = label_at in (0, width - 1)
    edge = 0 if label_at == 0 else -1
    return at_an_end and all(len(line) > 1 and layout.is_label(line[edge]) for line in inner)


def _plain_misfit(layout: Layout) -> MisfitError | None:
    """The first line that is no row where quotation marks are text; none where all are.

    Text in which quotation marks mostly stand twice is a quoted file's, of which a row was damaged.
    """
    doubled = single = first = 0
    records = layout.plain()
    try:
        next(records, None)
        for line, fields in records:
            if not layout.has_label(fields):
                return MisfitError(f"line {line} has no label", line)
            text = fields[layout.text_at]
            if '"' in text:
                twice = '""' in text and any(c.isalnum() for c in text)
                doubled, single = doubled + twice, single + (not twice)
                first = first or line * twice
    except MisfitError as misfit:
        return misfit
    if doubled >= _ENOUGH and doubled >= single:
        return MisfitError(f"most have two quotation marks for one, such as line {first}", first)
    return None


def _refuse_backslashes(layout: Layout) -> None:
    """UserError where every quotation mark inside a quoted field has a backslash before it, and there are some."""
    if not any('\\"' in piece for piece in text_pieces(layout.file)):
        return
    try:
        records = layout.quoted(backslashed=True)
        next(records, None)
        escaped = 0
        for line, fields in records:  # to the end: each has to fit
            if not escaped and any(field[:1] == '"' and '\\"' in field[:-1] for field in fields):
                escaped = line
    except MisfitError:
        return
    if escaped:
        raise UserError(
            f"a backslash stands before the quotation marks inside its texts (line {escaped}), "
            "as Spark and MySQL write it",
            where=str(layout.file),
            cure="Write them twice instead (Spark: option escape='\"'), or write jsonl or parquet.",
        )


def _refuse_escaped_texts(layout: Layout) -> None:
    """UserError where texts have quotation marks in them, and a backslash before each, and the file is not quoted."""
    records = layout.plain()
    next(records, None)
    escaped = 0
    for line, fields in records:
        text = fields[layout.text_at]
        inner = text[1:-1] if text[:1] == '"' and text[1:].endswith('"') else text
        if inner.count('"') > inner.count('\\"'):
            return
        escaped = escaped or line * ('"' in inner)
    if escaped:
        raise UserError(
            f"a backslash stands before each quotation mark of its texts (line {escaped}), as writers with an "
            "escape character leave it",
            where=str(layout.file),
            cure="Write it without escapes (pandas: no escapechar); or say data.quoting=unquoted if the backslashes "
            "are the texts'.",
        )


def _fits_neither(layout: Layout, quoted: MisfitError, plain: MisfitError | None) -> UserError:
    kind = "tab" if layout.delimiter == "\t" else f"{layout.delimiter!r}"
    cure = f"Put texts with a {kind}, a quotation mark or a line end in quotation marks, or write jsonl or parquet."
    if plain is None or quoted.counts:
        return UserError(quoted.what, where=str(layout.file), cure=quoted.cure or cure)
    return UserError(
        f"its quotation marks are neither its writer's ({quoted.what}) nor its texts' ({plain.what})",
        where=str(layout.file),
        cure=quoted.cure or cure,
    )
