"""Batches as Lightning takes them: a data loader over lists of row numbers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import torch
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


class _Collated(Dataset[Batch]):
    """Maps a list of row numbers to the batch of these rows."""

    def __init__(self, collate: Callable[[Sequence[int]], Batch]) -> None:
        self.collate = collate

    def __getitem__(self, rows: Sequence[int]) -> Batch:  # type: ignore[override]
        return self.collate(rows)
