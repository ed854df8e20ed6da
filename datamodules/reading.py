"""From raw rows to the rows of a split: every value checked, written to the disk, counted twice and told about."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from datamodules.labels import bad_label, label_cure, label_of
from datamodules.readers.raw import ArrowRows, RawFile, RawRows, Wanted
from datamodules.readers.record_batches import all_hold, in_lists
from datamodules.reads import FileRead, SplitRead
from errors import UserError
from host.text import shown

if TYPE_CHECKING:
    import pyarrow as pa

_BEGINNING = 100  # characters of the first and the last text


@dataclass(frozen=True)
class Source:
    """One file, or rows from elsewhere. name: for the record. where: for an error."""

    name: str
    where: str
    raw: RawFile


@dataclass
class _Tally:
    """What is told of the rows."""

    rows: int = 0
    empty: int = 0
    labels: Counter[int] = field(default_factory=Counter[int])
    first: str = ""
    last: str = ""

    def add(self, texts: Sequence[str], labels: Sequence[int]) -> None:
        if texts and not self.rows:
            self.first = texts[0].strip()[:_BEGINNING]
        if texts:
            self.last = texts[-1].strip()[:_BEGINNING]
        self.rows += len(texts)
        self.labels.update(labels)

    def add_batch(self, batch: pa.RecordBatch) -> None:
        """Texts of the first column, labels of the second; each of them holds."""
        texts = [batch.column(0)[at].as_py() for at in ((0, len(batch) - 1) if len(batch) else ())]
        rows = self.rows
        self.add(texts, [])
        self.rows = rows + len(batch)
        for label in batch.columns[1:]:
            counts = label.value_counts()
            self.labels.update(
                dict(zip(counts.field(0).to_pylist(), counts.field(1).to_pylist(), strict=True))
            )


def write_split(file: Path, sources: Iterable[Source], wanted: Wanted, *, split: str) -> SplitRead:
    """Write the rows of all `sources` as the Arrow file `file`; what was read, its origin left open.

    A story without text is left out and counted; a row with a label needs a text. Raises UserError for a value
    that is none, with its row, where another count of a source's rows does not agree, and for no rows at all.
    """
    import pyarrow as pa

    tally, files, notes = _Tally(), list[FileRead](), list[str]()
    where = ""
    with pa.OSFile(str(file), "wb") as sink, pa.ipc.new_stream(sink, wanted.schema) as stream:
        for source in sources:
            rows, where = 0, where or source.where
            for chunk in source.raw.chunks:
                batch, read = _kept(chunk, rows, source.where, wanted, tally)
                stream.write_batch(batch)
                rows += read
            files.append(_counted(source, rows))
            notes.extend(source.raw.notes)
    if not tally.rows:
        raise UserError("no rows", where=where, cure="Give a file with at least one row that holds a text.")
    names = wanted.label_names
    return SplitRead(
        split=split,
        origin="",
        files=tuple(files),
        rows=tally.rows,
        dropped={"empty": tally.empty} if tally.empty else {},
        label_counts={name: tally.labels[number] for number, name in enumerate(names)},
        first=tally.first,
        last=tally.last,
        notes=tuple(notes),
    )


def _kept(
    chunk: RawRows | ArrowRows, first: int, where: str, wanted: Wanted, tally: _Tally
) -> tuple[pa.RecordBatch, int]:
    """The rows of a piece that are kept and how many there were. first: the number of its first row in the file."""
    if isinstance(chunk, ArrowRows):
        if all_hold(chunk.batch, wanted):
            tally.add_batch(chunk.batch)
            return chunk.batch, len(chunk.batch)
        chunk = in_lists(chunk.batch, first, where, wanted)
    return _batch(chunk, first, where, wanted, tally), len(chunk.texts)


def _batch(chunk: RawRows, first: int, where: str, wanted: Wanted, tally: _Tally) -> pa.RecordBatch:
    import pyarrow as pa

    def row(at: int) -> str:
        line = "" if chunk.lines is None else f" (line {chunk.lines[at]})"
        return f"row {first + at}{line}"

    texts = [text for text in chunk.texts if isinstance(text, str) and text.strip()]
    if len(texts) < len(chunk.texts):
        _check_empty(chunk.texts, wanted, where, row)
        tally.empty += len(chunk.texts) - len(texts)
    labels = _labels(chunk, wanted, where, row)
    tally.add(texts, labels)
    try:
        column = pa.array(texts, pa.string())
    except UnicodeEncodeError as error:
        at = next(i for i, text in enumerate(chunk.texts) if not _can_be_written(text))
        raise UserError(
            f"{row(at)}: half of a surrogate pair stands in the text",
            where=where,
            cure="Write whole characters.",
        ) from error
    arrays = [column, *([] if wanted.label is None else [pa.array(labels, pa.int64())])]
    return pa.record_batch(arrays, schema=wanted.schema)


def _check_empty(texts: Sequence[object], wanted: Wanted, where: str, row: Callable[[int], str]) -> None:
    """UserError for the first value that is no text, or, where rows have labels, has nothing in it."""
    for at, text in enumerate(texts):
        is_empty = text is None or (isinstance(text, str) and not text.strip())
        if (is_empty and wanted.label is not None) or not (is_empty or isinstance(text, str)):
            raise UserError(
                f"{row(at)}: {wanted.text!r} is {shown(text)}",
                where=where,
                cure="Every row needs a text; drop or mend it.",
            )


def _labels(chunk: RawRows, wanted: Wanted, where: str, row: Callable[[int], str]) -> list[int]:
    found: list[int] = []
    for at, value in enumerate(chunk.labels or ()):
        label = label_of(value, len(wanted.label_names))
        if label is None:
            raise UserError(
                f"{row(at)}: {bad_label(value)}", where=where, cure=label_cure(wanted.label_names)
            )
        found.append(label)
    return found


def _can_be_written(text: object) -> bool:
    try:
        return bool(str(text).encode()) or True
    except UnicodeEncodeError:
        return False


def _counted(source: Source, rows: int) -> FileRead:
    """UserError unless the other count of the rows agrees."""
    counted = source.raw.count()
    if counted is not None and counted != rows:
        raise UserError(
            f"{rows:,} rows were read and {source.raw.counted_by} counts {counted:,}",
            where=source.where,
            cure="The file is damaged or is being written; write it again, as parquet or jsonl if need be.",
        )
    counted_by = "" if counted is None else source.raw.counted_by
    return FileRead(source.name, source.raw.how, rows, counted, counted_by)


def rows_in_memory(chunk: RawRows, wanted: Wanted, *, split: str, origin: str) -> SplitRead:
    """What is told of rows that no file holds."""
    tally = _Tally()
    tally.add([str(text) for text in chunk.texts], [int(str(label)) for label in chunk.labels or ()])
    counts = {name: tally.labels[number] for number, name in enumerate(wanted.label_names)}
    return SplitRead(split, origin, (), tally.rows, {}, counts, tally.first, tally.last)


def save_reads(file: Path, reads: Sequence[SplitRead]) -> None:
    """As JSON, beside the rows."""
    file.write_text(json.dumps([asdict(read) for read in reads], indent=1), encoding="utf-8")


def load_reads(file: Path) -> list[SplitRead]:
    """What `save_reads` wrote."""
    reads: list[SplitRead] = []
    for found in json.loads(file.read_text(encoding="utf-8")):
        files = tuple(FileRead(**one) for one in found["files"])
        read: dict[str, Any] = {**found, "files": files, "notes": tuple(found["notes"])}
        reads.append(SplitRead(**read))
    return reads
