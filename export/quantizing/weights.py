"""Weights as whole numbers with scales.

Shape legend: K inputs and N outputs of a product, V rows of a table, D its columns, G blocks of one row.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from export.blocks import in_halves

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float32]

LARGEST_8 = 127  # of a symmetric signed byte
LOWEST_4, HIGHEST_4 = -8, 7
_OF_COLUMNS = (
    0.75  # power of a column's largest value that its scale is; of 0, 0.25, ... 1 the nearest for MiniLM's
)
_SMALLEST = 1e-12
_SHARES = np.linspace(0.7, 1.0, 13, dtype=np.float32)  # of the scale that clips nothing


def column_scales(weight_KN: Floats) -> Floats:
    """(N,), such that the largest weight of each column is 127; 1 where all are zero."""
    return _scales(np.abs(weight_KN).max(axis=0))


class ByRow(NamedTuple):
    """whole: int8 (V, D). scales: of each row, (V, 1). columns: of each column, (D,); none: 1.

    A table is whole * scales * columns.
    """

    whole: NDArray[np.int8]
    scales: Floats
    columns: Floats | None


def rows_8_bit(table_VD: Floats) -> ByRow:
    """With scales of the columns where these differ so much that the values lie nearer with them than without."""
    columns_D = (np.maximum(np.abs(table_VD).max(axis=0), _SMALLEST) ** _OF_COLUMNS).astype(np.float32)
    plain, scaled = _by_row(table_VD), _by_row(table_VD / columns_D)._replace(columns=columns_D)
    plain_error = _squared(plain.whole * plain.scales - table_VD)
    return scaled if _squared(scaled.whole * scaled.scales * columns_D - table_VD) < plain_error else plain


def _by_row(table_VD: Floats) -> ByRow:
    scales_V1 = _scales(np.abs(table_VD).max(axis=1, keepdims=True))
    whole = np.clip(np.rint(table_VD / scales_V1), -LARGEST_8, LARGEST_8).astype(np.int8)
    return ByRow(whole, scales_V1, None)


def _squared(errors: Floats) -> float:
    return float((errors**2).sum())


def _scales(largest: Floats) -> Floats:
    return half_numbers(np.where(largest > 0, largest / LARGEST_8, 1).astype(np.float32))


def half_numbers(numbers: Floats) -> Floats:
    """The next larger numbers that a float16 holds, and can be kept in half the room; beyond its range as they are."""
    with np.errstate(over="ignore"):
        near = numbers.astype(np.float16)
    larger = np.where(near < numbers, np.nextafter(near, np.float16(np.inf)), near).astype(np.float32)
    return np.where(np.isfinite(larger), larger, numbers)


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
