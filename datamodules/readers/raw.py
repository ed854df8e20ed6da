"""What a reader gives: rows of one file as they stand there, in pieces, and what the file says of itself."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from errors import UserError
from host.text import shown_list

if TYPE_CHECKING:
    import pyarrow as pa

ROWS_AT_ONCE = 2000


@dataclass(frozen=True)
class Wanted:
    """The columns that are asked for. label: none for stories. label_names: by their numbers."""

    text: str
    label: str | None = None
    label_names: tuple[str, ...] = ()

    @property
    def columns(self) -> tuple[str, ...]:
        return (self.text,) if self.label is None else (self.text, self.label)

    @property
    def schema(self) -> pa.Schema:
        """Of the rows as they are kept."""
        import pyarrow as pa

        label = [] if self.label is None else [(self.label, pa.int64())]
        return pa.schema([(self.text, pa.string()), *label])


@dataclass(frozen=True)
class RawRows:
    """Consecutive rows, values unchecked.

    labels: none for stories. lines: where each row begins in the file, from 1 on; none where a file has no lines.
    """

    texts: Sequence[object]
    labels: Sequence[object] | None
    lines: Sequence[int] | None = None


@dataclass(frozen=True)
class ArrowRows:
    """Consecutive rows as a record batch of the wanted columns, string and int64; values unchecked."""

    batch: pa.RecordBatch


@dataclass
class RawFile:
    """One file while it is read.

    how: the reading that was taken. chunks: its rows. count: rows by another way than the reader's own, to be
    called when chunks are through, and counted_by what that way is; none where there is no other. notes: what else
    was decided, a sentence each.
    """

    how: str
    chunks: Iterator[RawRows | ArrowRows]
    count: Callable[[], int | None]
    counted_by: str
    notes: tuple[str, ...] = ()


def check_names(names: Sequence[str], wanted: Wanted, *, where: str, place: str = "") -> None:
    """UserError unless each wanted column is among `names` once; place: where they stand, for the message."""
    for column in wanted.columns:
        if names.count(column) != 1:
            problem = f"no column {column!r}" if column not in names else f"two columns {column!r}"
            raise UserError(
                f"{problem} ({place}it has {shown_list(names) or 'none'})",
                where=where,
                cure=f"Name the columns {', '.join(wanted.columns)}, each once.",
            )
