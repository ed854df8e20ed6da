"""The rows of a split as they are read, and how they are told apart."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import repeat
from typing import TYPE_CHECKING, overload

import numpy as np
from numpy.typing import NDArray

from datamodules.fingerprint import fingerprint

if TYPE_CHECKING:
    from datasets import Dataset

_READ_AT_ONCE = 2000


class StoredTexts(Sequence[str]):
    """A column of texts, stripped, that stays on the disk: however many there are, a few are in memory."""

    def __init__(self, split: Dataset, column: str) -> None:
        self._split = split
        self._column = column

    def __len__(self) -> int:
        return len(self._split)

    @overload
    def __getitem__(self, index: int) -> str: ...
    @overload
    def __getitem__(self, index: slice) -> list[str]: ...
    def __getitem__(self, index: int | slice) -> str | list[str]:
        found = self._split[index][self._column]
        return [text.strip() for text in found] if isinstance(index, slice) else found.strip()

    def __iter__(self) -> Iterator[str]:
        for begin in range(0, len(self), _READ_AT_ONCE):
            yield from self[begin : begin + _READ_AT_ONCE]

    def take(self, rows: NDArray[np.int64]) -> StoredTexts:
        """Texts `rows`, in that order."""
        return StoredTexts(self._split.select(rows), self._column)


@dataclass(frozen=True)
class SplitRows:
    """The rows of one split as columns, in the source's order."""

    texts: Sequence[str]
    labels: Sequence[int] | None

    @cached_property
    def fingerprint(self) -> str:
        """sha256 over every row."""
        if self.labels is None:
            return fingerprint((text,) for text in self.texts)
        return fingerprint(zip(self.texts, self.labels, strict=True))

    @cached_property
    def checksums(self) -> NDArray[np.uint32]:
        """(N,) CRC-32 of every row: tells which row changed, where the fingerprint tells that one did."""
        labels: Iterable[int | None] = repeat(None) if self.labels is None else self.labels
        pairs = zip(self.texts, labels, strict=False)
        codes = (zlib.crc32(f"{label}\0{text}".encode()) for text, label in pairs)
        return np.fromiter(codes, dtype=np.uint32, count=len(self.texts))

    def take(self, rows: NDArray[np.int64]) -> SplitRows:
        """Rows `rows`, in that order."""
        labels = None if self.labels is None else [self.labels[int(i)] for i in rows]
        if isinstance(self.texts, StoredTexts):
            return SplitRows(self.texts.take(rows), labels)
        return SplitRows([self.texts[int(i)] for i in rows], labels)
