"""How long the texts of a split are in tokens, before anything is cut, and where a text's tokens stand in its table.

Legend: N rows of a split, S ids of a table.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from datamodules.classification import TextClassificationData
from datamodules.fingerprint import short_digest
from datamodules.tokenizers import end_token_id
from datamodules.tokens import TokenTable

if TYPE_CHECKING:
    from datamodules.tokenized import SplitName, TokenizedData

PERCENTILES = (0, 5, 25, 50, 75, 95, 99, 100)
_BARS = 12
_PIECES = 2**24  # ids looked at at once


@dataclass(frozen=True)
class Bar:
    """Rows of `first` to `last` tokens, both included."""

    first: int
    last: int
    rows: int


@dataclass(frozen=True)
class Lengths:
    """Tokens of the texts of a split, special tokens included.

    percentiles: the smallest length that so many per cent of the rows do not exceed. whole: rows of at most
    max_tokens; beyond: tokens of all rows together that are more than max_tokens, and are cut. bars: rows by length.
    """

    rows: int
    mean: float
    percentiles: dict[str, int]
    max_tokens: int
    whole: int
    beyond: int
    bars: tuple[Bar, ...]


def lengths_of(lengths: NDArray[np.int64], max_tokens: int) -> Lengths:
    """lengths: (N,), at least one."""
    found = np.percentile(lengths, PERCENTILES, method="inverted_cdf")
    return Lengths(
        len(lengths),
        float(lengths.mean()),
        {str(percentile): int(value) for percentile, value in zip(PERCENTILES, found, strict=True)},
        max_tokens,
        int((lengths <= max_tokens).sum()),
        int(np.maximum(lengths - max_tokens, 0).sum()),
        tuple(_bars(lengths)),
    )


def _bars(lengths: NDArray[np.int64]) -> Iterator[Bar]:
    """Bars of one round width that hold 99 % of the rows, and a last one for the rest."""
    longest, usual = int(lengths.max()), int(np.percentile(lengths, 99, method="inverted_cdf"))
    width = _round(usual / _BARS)
    edges = [*range(int(lengths.min()) // width * width, usual + 1, width), usual // width * width + width]
    counts = np.histogram(lengths, bins=[*edges, max(longest, edges[-1]) + 1])[0]
    for first, last, rows in zip(edges, [*(edge - 1 for edge in edges[1:]), longest], counts, strict=True):
        if first <= last and (rows or last <= usual):
            yield Bar(first, last, int(rows))


def _round(width: float) -> int:
    """The next of 1, 2, 5, 10, 20, 50, …"""
    scale = 1
    while True:
        for step in (1, 2, 5):
            if width <= step * scale:
                return step * scale
        scale *= 10


@dataclass(frozen=True)
class RowTokens:
    """The tokens of each row of a split, before anything is cut, and where they stand in its table.

    lengths: (N,) int64. ends: (N,) int64, of stories the place of each one's end among the targets of the table, which
    are all ids but the first of each sequence; none where a row is a sequence.
    """

    lengths: NDArray[np.int64]
    table: TokenTable
    ends: NDArray[np.int64] | None

    def sequence(self, row: int) -> NDArray[np.int32]:
        """The ids of one row as the table has them: a story with the end-of-text token before and after it."""
        if self.ends is None:
            return self.table.sequence(row)
        begin = int(self.ends[row - 1]) if row else 0
        places = _places(self.table, np.arange(begin, int(self.ends[row]) + 1))
        opening = [] if row else [0]  # the first one's is no target
        return self.table.ids_S[np.concatenate([np.array(opening, dtype=np.int64), places])]


def row_tokens(
    data: TokenizedData, split: SplitName, on_progress: Callable[[str, int, int], None]
) -> RowTokens:
    """A classifier's texts of max_tokens, which may have been cut, are tokenized once more, and that is kept."""
    table = data.tables[split]
    if isinstance(data, TextClassificationData):
        return RowTokens(_uncut_lengths(data, split, on_progress), table, None)
    ends = _story_ends(table, end_token_id(data.tokenizer))
    return RowTokens(np.diff(ends, prepend=-1), table, ends)


def _uncut_lengths(
    data: TextClassificationData, split: SplitName, on_progress: Callable[[str, int, int], None]
) -> NDArray[np.int64]:
    lengths = data.tables[split].lengths
    full = np.flatnonzero(lengths >= data.settings.max_tokens)
    if len(full) == 0:
        return lengths

    def write(folder: Path) -> None:
        texts = data.rows[split].texts
        again = data.encoded([texts[int(row)] for row in full], verbose=False)
        for done, (row, ids) in enumerate(zip(full, again, strict=True), start=1):
            lengths[row] = len(ids)
            on_progress(f"counting the tokens of {split}", done, len(full))
        np.save(folder / "lengths.npy", lengths, allow_pickle=False)

    key = short_digest(
        "lengths-1", data.rows[split].fingerprint, data.token_digests[split], data.tokenizer_digest
    )
    return np.load(data.cached("lengths", key, write).path / "lengths.npy", allow_pickle=False)


def _story_ends(table: TokenTable, end: int) -> NDArray[np.int64]:
    """(N,) the targets that end a story; the first id of a sequence, which may be `end` as well, is no target."""
    firsts = table.starts[:-1]
    found: list[NDArray[np.int64]] = []
    for begin in range(0, len(table.ids_S), _PIECES):
        places = begin + np.flatnonzero(table.ids_S[begin : begin + _PIECES] == end)
        sequences = np.searchsorted(firsts, places, side="right")  # that begin there or before
        found.append((places - sequences)[firsts[sequences - 1] != places])
    return np.concatenate(found)


def _places(table: TokenTable, targets: NDArray[np.int64]) -> NDArray[np.int64]:
    """Where `targets` stand among the ids."""
    sequences = np.searchsorted(np.cumsum(table.lengths - 1), targets, side="right")
    return targets + sequences + 1
