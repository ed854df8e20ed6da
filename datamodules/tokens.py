"""Token sequences of different lengths in one flat array, cached by content.

Legend: N sequences, S tokens of all sequences together, B batch, T longest sequence of a batch.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class TokenTable:
    """N sequences: `ids_S` int32, sequence i being ids_S[starts[i] : starts[i + 1]]."""

    ids_S: NDArray[np.int32]
    starts: NDArray[np.int64]  # (N + 1,)

    @classmethod
    def of(cls, sequences: Iterable[Sequence[int] | NDArray[np.integer[Any]]]) -> TokenTable:
        """From lists of token ids."""
        arrays = [np.asarray(sequence, dtype=np.int32) for sequence in sequences]
        lengths = np.array([len(array) for array in arrays], dtype=np.int64)
        starts = np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(lengths)])
        return cls(np.concatenate(arrays) if arrays else np.zeros(0, dtype=np.int32), starts)

    def __len__(self) -> int:
        return len(self.starts) - 1

    @property
    def lengths(self) -> NDArray[np.int64]:
        """(N,) tokens of each sequence."""
        return np.diff(self.starts)

    def sequence(self, row: int) -> NDArray[np.int32]:
        """(T,) ids of one sequence, not copied."""
        return self.ids_S[self.starts[row] : self.starts[row + 1]]

    def padded(self, rows: Sequence[int], pad: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Sequences `rows` padded on the right with `pad` to the longest: ids_BT and mask_BT, int64."""
        lengths_B = self.lengths[list(rows)]
        mask_BT = np.arange(int(lengths_B.max(initial=0)))[None, :] < lengths_B[:, None]
        ids_BT = np.full(mask_BT.shape, pad, dtype=np.int64)
        ids_BT[mask_BT] = np.concatenate([self.sequence(row) for row in rows])
        return ids_BT, mask_BT.astype(np.int64)

    def save(self, path: Path) -> None:
        """Write to `path` (.npz) under a temporary name first, so that no reader sees half a file."""
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_name(f".{os.getpid()}-{path.name}")
        try:
            np.savez(partial, ids=self.ids_S, starts=self.starts)
            partial.rename(path)
        finally:
            partial.unlink(missing_ok=True)

    @classmethod
    def load(cls, path: Path) -> TokenTable:
        """Read what `save` wrote."""
        with np.load(path, allow_pickle=False) as arrays:
            return cls(arrays["ids"], arrays["starts"])
