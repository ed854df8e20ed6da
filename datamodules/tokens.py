"""Token sequences of different lengths in one flat array that is read from the disk as needed.

Legend: N sequences, S tokens of all sequences together, B batch, T longest sequence of a batch.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

_WRITTEN_AT_ONCE = 2**20  # tokens


@dataclass(frozen=True)
class TokenTable:
    """N sequences: `ids_S` int32, sequence i being ids_S[starts[i] : starts[i + 1]].

    path: the folder that it was read from; a copy in another process reads from there too.
    """

    ids_S: NDArray[np.int32]
    starts: NDArray[np.int64]  # (N + 1,)
    path: Path | None = None

    @classmethod
    def of(cls, sequences: Iterable[Sequence[int] | NDArray[np.integer[Any]]]) -> TokenTable:
        """From lists of token ids, in memory."""
        arrays = [np.asarray(sequence, dtype=np.int32) for sequence in sequences]
        lengths = np.array([len(array) for array in arrays], dtype=np.int64)
        starts = np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(lengths)])
        return cls(np.concatenate(arrays) if arrays else np.zeros(0, dtype=np.int32), starts)

    @classmethod
    def joined(cls, tables: Sequence[TokenTable]) -> TokenTable:
        """The sequences of each, one after the other; of several a copy in memory."""
        if len(tables) == 1:
            return tables[0]
        lengths = np.concatenate([table.lengths for table in tables])
        starts = np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(lengths)])
        return cls(np.concatenate([table.ids_S for table in tables]), starts)

    def __len__(self) -> int:
        return len(self.starts) - 1

    def __reduce__(self) -> tuple[Any, ...]:
        if self.path is not None:
            return TokenTable.load, (self.path,)
        return TokenTable, (self.ids_S, self.starts)

    @property
    def lengths(self) -> NDArray[np.int64]:
        """(N,) tokens of each sequence."""
        return np.diff(self.starts)

    def sequence(self, row: int) -> NDArray[np.int32]:
        """(T,) ids of one sequence, not copied."""
        return self.ids_S[self.starts[row] : self.starts[row + 1]]

    def padded(self, rows: Sequence[int], pad: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Sequences `rows` padded on the right with `pad` to the longest: ids_BT and mask_BT, int64."""
        some = np.asarray(rows)
        lengths_B = self.starts[some + 1] - self.starts[some]
        mask_BT = np.arange(int(lengths_B.max(initial=0)))[None, :] < lengths_B[:, None]
        ids_BT = np.full(mask_BT.shape, pad, dtype=np.int64)
        ids_BT[mask_BT] = np.concatenate([self.sequence(row) for row in rows])
        return ids_BT, mask_BT.astype(np.int64)

    @staticmethod
    def write(folder: Path, sequences: Iterable[Sequence[int] | NDArray[np.integer[Any]]]) -> None:
        """Write the files of a table into an empty folder, sequence by sequence.

        In memory there are no more than a million tokens and eight bytes for each sequence.
        """
        starts = _write_ids(folder / "ids.i32", sequences)
        np.save(folder / "starts.npy", starts, allow_pickle=False)

    @classmethod
    def load(cls, path: Path) -> TokenTable:
        """Read what `write` wrote; the ids stay on the disk until they are asked for.

        What the files hold is not looked at: `checked_cache` has, before.
        """
        starts = np.load(path / "starts.npy", allow_pickle=False)
        ids_S = (
            np.memmap(path / "ids.i32", dtype=np.int32, mode="r")
            if starts[-1]  # an empty file cannot be mapped
            else np.zeros(0, dtype=np.int32)
        )
        return cls(ids_S, starts, path)


def _write_ids(
    file: Path, sequences: Iterable[Sequence[int] | NDArray[np.integer[Any]]]
) -> NDArray[np.int64]:
    """Write the ids of all sequences; where each of them starts, (N + 1,)."""
    starts = array("q", [0])
    waiting: list[NDArray[np.int32]] = []
    size = 0
    with file.open("wb") as stream:
        for sequence in sequences:
            waiting.append(np.asarray(sequence, dtype=np.int32))
            size += len(sequence)
            starts.append(starts[-1] + len(sequence))
            if size >= _WRITTEN_AT_ONCE:
                stream.write(np.concatenate(waiting).tobytes())
                waiting.clear()
                size = 0
        if waiting:
            stream.write(np.concatenate(waiting).tobytes())
    return np.array(starts, dtype=np.int64)
