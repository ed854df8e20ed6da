"""The rows of a split as they are read, and how they are told apart."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import repeat

import numpy as np
from numpy.typing import NDArray

from datamodules.fingerprint import fingerprint


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
        return np.array([zlib.crc32(f"{label}\0{text}".encode()) for text, label in pairs], dtype=np.uint32)

    def take(self, rows: NDArray[np.int64]) -> SplitRows:
        """Rows `rows`, in that order."""
        labels = None if self.labels is None else [self.labels[int(i)] for i in rows]
        return SplitRows([self.texts[int(i)] for i in rows], labels)
