"""Batches as Lightning takes them: a data loader over lists of row numbers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils.data import DataLoader, Dataset

Batch = dict[str, torch.Tensor]


def loader(
    collate: Callable[[Sequence[int]], Batch],
    batches: Iterable[list[int]],
    *,
    workers: int,
    again: bool,
    seed: int,
) -> DataLoader[Batch]:
    """A loader whose worker processes make a batch of each list of row numbers.

    again: it is read many times, so its workers stay. seed: of the generator that seeds the workers; the order is that
    of `batches`.
    """
    # batch_size=None: the sampler hands over whole batches, the data set collates them.
    return DataLoader(
        _Collated(collate),
        sampler=batches,  # type: ignore[arg-type]
        batch_size=None,
        num_workers=workers,
        persistent_workers=workers > 0 and again,
        generator=torch.Generator().manual_seed(seed),
    )


def taught(
    collate: Callable[[Sequence[int]], Batch], logits_NL: NDArray[np.float32] | None
) -> Callable[[Sequence[int]], Batch]:
    """`collate` whose batches have `teacher_logits` (B, L) float32 of their rows too; none: as it is."""
    return collate if logits_NL is None else partial(_with_logits, collate, logits_NL)


def _with_logits(
    collate: Callable[[Sequence[int]], Batch], logits_NL: NDArray[np.float32], rows: Sequence[int]
) -> Batch:
    return {**collate(rows), "teacher_logits": torch.from_numpy(logits_NL[rows])}


class _Collated(Dataset[Batch]):
    """Maps a list of row numbers to the batch of these rows."""

    def __init__(self, collate: Callable[[Sequence[int]], Batch]) -> None:
        self.collate = collate

    def __getitem__(self, rows: Sequence[int]) -> Batch:  # type: ignore[override]
        return self.collate(rows)
