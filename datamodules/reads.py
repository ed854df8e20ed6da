"""What was read of a source, file by file, so that a person and a record can tell whether it was all and right."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class FileRead:
    """One file as it was read.

    name: relative to the folder. how: the reading that was taken, such as `csv, quoted` or `tsv, unquoted`.
    rows: as read. counted: rows by another count than the reader's own, and counted_by what that is, such as
    `parquet metadata`; none where there is no other.
    """

    name: str
    how: str
    rows: int
    counted: int | None
    counted_by: str


@dataclass(frozen=True)
class SplitRead:
    """One split as it was read: `rows` are left after `dropped`, which has a number for each reason.

    split: its name in the source. label_counts: rows by the label's name; empty for stories. first, last: how the
    texts of the first and the last row begin. notes: what else the reader decided, a sentence each.
    """

    split: str
    origin: str
    files: tuple[FileRead, ...]
    rows: int
    dropped: Mapping[str, int] = field(default_factory=dict)
    label_counts: Mapping[str, int] = field(default_factory=dict)
    first: str = ""
    last: str = ""
    notes: tuple[str, ...] = ()
