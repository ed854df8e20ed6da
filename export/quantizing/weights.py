"""Weights as whole numbers with scales.

Shape legend: K inputs and N outputs of a product, V rows of a table, D its columns, G blocks of one row.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from export.blocks import in_halves

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float32]

LARGEST_8 = 127  # of a symmetric signed byte
LOWEST_4, HIGHEST_4 = -8, 7
_SHARES = np.linspace(0.7, 1.0, 13, dtype=np.float32)  # of the scale that clips nothing


def column_scales(weight_KN: Floats) -> Floats:
    """(N,), such that the largest weight of each column is 127; 1 where all are zero."""
    return _scales(np.abs(weight_KN).max(axis=0))


def rows_8_bit(table_VD: Floats) -> tuple[NDArray[np.int8], Floats]:
    """(V, D) int8 and a scale for each row (V, 1): table = int8 * scale, to half a scale."""
    scales_V1 = _scales(np.abs(table_VD).max(axis=1, keepdims=True))
    return np.clip(np.rint(table_VD / scales_V1), -LARGEST_8, LARGEST_8).astype(np.int8), scales_V1


def _scales(largest: Floats) -> Floats:
    return np.where(largest > 0, largest / LARGEST_8, 1).astype(np.float32)


def block_scales(blocks: Floats) -> Floats:
    """(...,) for blocks (..., D), each a float16: of several the one whose 4-bit values lie nearest.

    The value of largest magnitude stands at the end that reaches further, so a scale may be negative.
    """
    ends = np.take_along_axis(blocks, np.abs(blocks).argmax(axis=-1, keepdims=True), axis=-1)
    best_error = np.full(ends.shape, np.inf, np.float32)
    best = np.ones_like(ends)
    for share in _SHARES:
        scales = (ends * (share / LOWEST_4)).astype(np.float16).astype(np.float32)
        scales = np.where(scales == 0, 1, scales)
        error = ((_near(blocks, scales) * scales - blocks) ** 2).sum(axis=-1, keepdims=True)
        better = error < best_error
        best_error, best = np.where(better, error, best_error), np.where(better, scales, best)
    return best[..., 0]


def table_4_bit(table_VD: Floats, block: int) -> tuple[NDArray[np.int8], Floats]:
    """(V, D) of -8 to 7 and scales (V, D / block)."""
    blocks = table_VD.reshape(len(table_VD), -1, block)
    scales_VG = block_scales(blocks)
    return _near(blocks, scales_VG[..., None]).astype(np.int8).reshape(table_VD.shape), scales_VG


def _near(values: Floats, scales: Floats) -> Floats:
    return np.clip(np.rint(values / scales), LOWEST_4, HIGHEST_4)


def packed(values: NDArray[np.int8]) -> NDArray[np.uint8]:
    """(..., D / 2) for 4-bit values (..., D), zero at 8."""
    return in_halves(values - LOWEST_4)
