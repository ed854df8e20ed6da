"""Held-out slices of a train split, for model selection; no text may stand on both sides.

Legend: W words of all rows together.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

import numpy as np
from numpy.typing import NDArray

from datamodules.word_runs import inside_one_text, lengthened, text_ends, word_codes
from errors import UserError


@dataclass(frozen=True)
class Holdout:
    """Row numbers (int64, ascending) of a train split, apart in three."""

    train: NDArray[np.int64]
    selection: NDArray[np.int64]
    dropped: NDArray[np.int64]  # too near to a held-out row to be trained on


def hold_out(keys: NDArray[Any], *, examples: int, seed: int) -> Holdout:
    """Draw `examples` distinct keys; every other row of a drawn key is dropped from train.

    keys: (N,) what counts as the same text: normalized texts, or digests of them.
    """
    distinct, first, which = np.unique(keys, return_index=True, return_inverse=True)
    drawn = np.zeros(len(distinct), dtype=bool)
    drawn[_draw(len(distinct), examples, seed)] = True
    near = drawn[which]
    selection = np.sort(first[drawn]).astype(np.int64)
    near_rows = np.flatnonzero(near)
    return Holdout(np.flatnonzero(~near), selection, np.setdiff1d(near_rows, selection, assume_unique=True))


def hold_out_sentences(texts: Sequence[str], *, examples: int, seed: int) -> Holdout:
    """Draw `examples` full sentences of a corpus of phrases, such as SST-2's train split.

    A row is a full sentence when no longer row contains it as a run of whole words. Every
    phrase that a drawn sentence contains is dropped from train. (A phrase that contains a
    drawn sentence cannot exist: the sentence would not be full.)
    """
    keys = [normalized(text) for text in texts]
    words = _WordTable.of(keys)
    full = sorted({keys[i] for i in np.flatnonzero(~words.contained_in_longer())})
    held = {full[i] for i in _draw(len(full), examples, seed)}
    inside = words.contained_in({i for i, key in enumerate(keys) if key in held})
    return _split(keys, held, near=held | {keys[i] for i in np.flatnonzero(inside)})


def text_digests(texts: Iterable[str], rows: int) -> NDArray[np.uint64]:
    """(N,) 64-bit digests of normalized texts; among three million two are alike with a probability of 2e-7."""
    codes = (
        int.from_bytes(blake2b(normalized(text).encode(), digest_size=8).digest(), "little") for text in texts
    )
    return np.fromiter(codes, dtype=np.uint64, count=rows)


def normalized(text: str) -> str:
    """Lower case, runs of white space as one space: what counts as the same text here."""
    return " ".join(text.lower().split())


def check_some_left(holdout: Holdout) -> None:
    """UserError where all rows are held out, or too near to those."""
    if not len(holdout.train):
        raise UserError(
            f"no row is left to train on, {len(holdout.selection)} are held out",
            where="data.selection_examples",
            cure="Hold out fewer, or give more data.",
        )


def drawn_rows(
    rows: NDArray[np.int64], wanted: int | None, *, seed: int, key: str, left: str
) -> NDArray[np.int64]:
    """So many of `rows`, in their order; none: all. UserError where there are fewer: `key` asks, those there `left`."""
    if wanted is None:
        return rows
    if wanted > len(rows):
        raise UserError(
            f"{wanted} rows are asked for, {len(rows)} {left}",
            where=key,
            cure=f"Ask for at most {len(rows)}, or leave it out for all.",
        )
    generator = np.random.Generator(np.random.PCG64(seed))
    return np.sort(generator.permutation(rows)[:wanted])


def _draw(available: int, wanted: int, seed: int) -> NDArray[np.int64]:
    if wanted > available:
        raise UserError(
            f"{wanted} rows are to be held out, and train has {available} that can be",
            where="data.selection_examples",
            cure=f"Ask for fewer than {available}.",
        )
    generator = np.random.Generator(np.random.PCG64(seed))
    return np.sort(generator.permutation(available)[:wanted])


def _split(keys: Sequence[str], held: set[str], near: set[str]) -> Holdout:
    """First copy of a held text to the selection slice, other near rows dropped, the rest to train."""
    selection: list[int] = []
    train: list[int] = []
    dropped: list[int] = []
    taken: set[str] = set()
    for row, key in enumerate(keys):
        if key in held and key not in taken:
            taken.add(key)
            selection.append(row)
        elif key in near:
            dropped.append(row)
        else:
            train.append(row)
    return Holdout(*(np.array(rows, dtype=np.int64) for rows in (train, selection, dropped)))


@dataclass(frozen=True)
class _WordTable:
    """All rows' words as one array of codes, so that runs of words compare by their hash."""

    codes_W: NDArray[np.uint64]
    row_W: NDArray[np.int64]  # which row a word belongs to
    end_W: NDArray[np.int64]  # one past the last word of that row
    start: NDArray[np.int64]  # per row
    length: NDArray[np.int64]  # per row, in words

    @classmethod
    def of(cls, keys: Sequence[str]) -> _WordTable:
        split = [key.split() for key in keys]
        vocabulary: dict[str, int] = {}
        codes = [vocabulary.setdefault(word, len(vocabulary) + 1) for words in split for word in words]
        length = np.array([len(words) for words in split], dtype=np.int64)
        start = np.concatenate([[0], np.cumsum(length)[:-1]]).astype(np.int64)
        row_W = np.repeat(np.arange(len(split)), length)
        return cls(word_codes(np.array(codes, dtype=np.int64)), row_W, text_ends(length), start, length)

    def contained_in_longer(self) -> NDArray[np.bool_]:
        """Per row: whether some row of more words contains it."""
        return self._matches(lambda size, rows_W: self.length[rows_W] > size)

    def contained_in(self, rows: set[int]) -> NDArray[np.bool_]:
        """Per row: whether one of `rows` contains it (a row contains itself)."""
        chosen = np.zeros(len(self.length), dtype=bool)
        chosen[sorted(rows)] = True
        return self._matches(lambda _, rows_W: chosen[rows_W])

    def _matches(self, may_contain) -> NDArray[np.bool_]:  # pyright: ignore[reportMissingParameterType]
        """Per row: whether its words occur as a run inside a row that `may_contain` admits.

        The hash of the runs of n words is made longer word by word as n grows.
        """
        found = np.zeros(len(self.length), dtype=bool)
        hash_W = np.zeros_like(self.codes_W)
        for size in range(1, int(self.length.max(initial=0)) + 1):
            hash_W = lengthened(hash_W, self.codes_W, size)
            rows = np.flatnonzero(self.length == size)
            if len(rows) == 0:
                continue
            may = may_contain(size, self.row_W[: len(hash_W)])
            admitted = inside_one_text(self.end_W, size) & may
            found[rows] = np.isin(hash_W[self.start[rows]], np.unique(hash_W[admitted]))
        return found
