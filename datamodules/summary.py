"""What a run reads and what it uses of that, in numbers that a record keeps and a few lines that a person reads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from datamodules.oddities import label_oddities, row_like_texts
from datamodules.reads import SplitRead
from datamodules.rows import SplitRows

if TYPE_CHECKING:
    from datamodules.tokenized import TokenizedData

_SHOWN = 80  # characters of a first or last text


@dataclass(frozen=True)
class UsedSplit:
    """One split as a run uses it. label_counts: rows by the label's name, empty for stories."""

    split: str
    rows: int
    label_counts: Mapping[str, int]
    first: str
    last: str


@dataclass(frozen=True)
class DataSummary:
    """What was read, what of it is used, how many train rows are not and why, and what is odd about it.

    label_names: by the labels' numbers, which the counts' order does not keep in a file; an earlier version kept none.
    """

    origin: str
    read: tuple[SplitRead, ...]
    used: tuple[UsedSplit, ...]
    left_out: Mapping[str, int]
    label_warnings: tuple[str, ...]
    text_warnings: tuple[str, ...]
    label_names: tuple[str, ...] = ()

    @property
    def warnings(self) -> tuple[str, ...]:
        return self.label_warnings + self.text_warnings

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def summary_of(data: TokenizedData) -> DataSummary:
    """Of a datamodule that is set up. Of a large split of stories, texts are looked at in a sample."""
    used = tuple(_used(split, rows, data.wanted.label_names) for split, rows in data.rows.items())
    of_labels = (sentence for split in used for sentence in label_oddities(split.split, split.label_counts))
    of_texts = (
        sentence
        for split, rows in data.rows.items()
        for sentence in row_like_texts(split, rows.texts, len(data.wanted.label_names))
    )
    return DataSummary(
        data.origin,
        tuple(data.reads.values()),
        used,
        _left_out(data),
        tuple(of_labels),
        tuple(of_texts),
        tuple(data.wanted.label_names),
    )


def _left_out(data: TokenizedData) -> dict[str, int]:
    """Train rows that were read and are not used, by the reason."""
    read = data.reads[data.corpus.train].rows
    used = sum(len(data.rows[split].texts) for split in ("train", "val"))
    return {
        "too near to a held-out row": data.dropped_rows,
        "over data.train_examples": read - used - data.dropped_rows,
    }


def _used(split: str, rows: SplitRows, label_names: Sequence[str]) -> UsedSplit:
    return UsedSplit(split, len(rows.texts), label_counts(rows, label_names), *ends_of(rows.texts))


def label_counts(rows: SplitRows, label_names: Sequence[str]) -> dict[str, int]:
    """Rows by the label's name, also of labels that no row has; empty for stories."""
    if rows.labels is None:
        return {}
    counts = np.bincount(np.asarray(rows.labels, dtype=np.int64), minlength=len(label_names))
    return {name: int(count) for name, count in zip(label_names, counts, strict=True)}


def ends_of(texts: Sequence[str]) -> tuple[str, str]:
    """How the first and the last text begin; empty where there is none."""
    return (texts[0][:_SHOWN], texts[len(texts) - 1][:_SHOWN]) if len(texts) else ("", "")


def summary_lines(summary: DataSummary) -> list[str]:
    """One line for each split that was read and one for what is used of them; warnings are not in them."""
    return [*(_read_line(read) for read in summary.read), _used_line(summary)]


def _read_line(read: SplitRead) -> str:
    parts = [f"{read.rows:,} rows of {_files(read)}"]
    if read.dropped:
        parts.append("left out: " + ", ".join(f"{rows:,} {reason}" for reason, rows in read.dropped.items()))
    if read.label_counts:
        parts.append(balance(read.label_counts))
    return "; ".join([f"{read.split}: {', '.join(parts)}", *read.notes])


def _files(read: SplitRead) -> str:
    """The one file and how it was read, or how many there are."""
    if not read.files:
        return read.origin
    first = read.files[0]
    more = "" if len(read.files) == 1 else f" and {len(read.files) - 1} more"
    return f"{first.name}{more} ({first.how})"


def balance(label_counts: Mapping[str, int]) -> str:
    """`37,569 positive (55.8 %), 29,780 negative (44.2 %)`, the largest first."""
    total = sum(label_counts.values())
    ordered = sorted(label_counts.items(), key=lambda item: -item[1])
    return ", ".join(f"{rows:,} {name} ({100 * rows / max(1, total):.1f} %)" for name, rows in ordered)


def _used_line(summary: DataSummary) -> str:
    rows = {split.split: split.rows for split in summary.used}
    parts = [
        f"{rows['train']:,} rows to train on",
        f"{rows['val']:,} held out (val)",
        *([f"{rows['transfer']:,} without labels (transfer)"] if "transfer" in rows else []),
        *(f"{count:,} {reason}" for reason, count in summary.left_out.items() if count),
        f"{rows['test']:,} scored once (test)",
    ]
    return "used: " + ", ".join(parts)
