"""Rows that are copies of others, by the digests of their normalized texts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from datamodules.holdout import text_digests
from datamodules.rows import SplitRows

_SHOWN, _LONG = 3, 120


@dataclass(frozen=True)
class Copies:
    """Of `rows` train rows `more` are copies of an earlier one, case and white space apart.

    texts: distinct texts that occur more than once. other_label: of these, how many occur with several labels; none
    for stories. most: the texts that occur most often, with their number.
    """

    rows: int
    more: int
    texts: int
    other_label: int | None
    most: tuple[tuple[str, int], ...]


@dataclass(frozen=True)
class Overlap:
    """Of the `rows` rows of the split `of`, `shared` have a text that `within` has, too."""

    of: str
    within: str
    rows: int
    shared: int


def copies_of(digests: NDArray[np.uint64], rows: SplitRows) -> Copies:
    """digests: (N,) of the texts of `rows`."""
    _, first, which, counts = np.unique(digests, return_index=True, return_inverse=True, return_counts=True)
    several = np.flatnonzero(counts > 1)
    most = several[np.argsort(-counts[several], kind="stable")][:_SHOWN]
    return Copies(
        len(digests),
        len(digests) - len(counts),
        len(several),
        None if rows.labels is None else _of_other_labels(which, np.asarray(rows.labels), len(counts)),
        tuple((rows.texts[int(first[text])][:_LONG], int(counts[text])) for text in most),
    )


def rows_seen(own: Iterable[SplitRows], official: SplitRows) -> NDArray[np.int64]:
    """The rows of the official split, ascending, whose text stands among those of a run."""
    known = [text_digests(part.texts, len(part.texts)) for part in own]
    asked = text_digests(official.texts, len(official.texts))
    return np.flatnonzero(np.isin(asked, np.concatenate(known)))


def _of_other_labels(which: NDArray[np.int64], labels: NDArray[np.int64], texts: int) -> int:
    lowest = np.full(texts, np.iinfo(np.int64).max)
    highest = np.full(texts, -1)
    np.minimum.at(lowest, which, labels)
    np.maximum.at(highest, which, labels)
    return int((lowest < highest).sum())


def overlaps_of(digests: Mapping[str, NDArray[np.uint64]]) -> tuple[Overlap, ...]:
    """Of the held-out and the official rows with train, and of the official rows with the held-out ones."""
    pairs: Sequence[tuple[str, str]] = (("val", "train"), ("test", "train"), ("test", "val"))
    return tuple(
        Overlap(of, within, len(digests[of]), int(np.isin(digests[of], digests[within]).sum()))
        for of, within in pairs
    )
