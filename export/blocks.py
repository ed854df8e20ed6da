"""Weights in 8 or 4 bits with a scale for each block of one row, as MatMulNBits and GatherBlockQuantized read them.

Legend: N rows, K columns, G blocks of a row, S columns of a block.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

Bits = Literal[4, 8]
BLOCK = 32
"""Columns that share a scale. With blocks of 128 onnxruntime 1.31 reads rows in pairs by a kernel that rounds otherwise
than the one for a single row, so that a row would depend on whether it has a companion."""


@dataclass(frozen=True)
class Blocks:
    """A weight (N, K) whose value is (`values` - zero point) * `scales`.

    values: uint8 (N, G, S * bits / 8), in 4 bits the earlier column in the lower half of a byte; the last block is
    filled up with zeros. scales: float32 (N, G). zero_points: uint8 (N, bytes), packed as the values are; none: 128.
    """

    bits: Bits
    values: NDArray[np.uint8]
    scales: NDArray[np.float32]
    zero_points: NDArray[np.uint8] | None


def in_blocks(weight_NK: NDArray[np.float32], bits: Bits) -> Blocks:
    """In 8 bits symmetric around 128; in 4 bits from the least to the greatest of a block, zero included.

    Fifteen steps are too few to spend one half of them on a sign that a block may not have.
    """
    rows, columns = weight_NK.shape
    filled_NGS = np.pad(weight_NK, ((0, 0), (0, -columns % BLOCK))).reshape(rows, -1, BLOCK)
    if bits == 8:
        scales_NG = _scales(np.abs(filled_NGS).max(axis=2), 127)
        values_NGS = np.rint(filled_NGS / scales_NG[..., None]) + 128
        return Blocks(8, values_NGS.astype(np.uint8), scales_NG, None)
    least_NG = np.minimum(filled_NGS.min(axis=2), 0)
    scales_NG = _scales(np.maximum(filled_NGS.max(axis=2), 0) - least_NG, 15)
    zeros_NG = np.rint(-least_NG / scales_NG)
    values_NGS = np.clip(np.rint(filled_NGS / scales_NG[..., None]) + zeros_NG[..., None], 0, 15)
    return Blocks(4, in_halves(values_NGS), scales_NG, in_halves(zeros_NG))


def _scales(ranges_NG: NDArray[np.float32], steps: int) -> NDArray[np.float32]:
    return np.where(ranges_NG == 0, 1, ranges_NG / steps).astype(np.float32)


def in_halves(numbers: NDArray[np.floating | np.integer]) -> NDArray[np.uint8]:
    """Two 4-bit numbers, 0 to 15, of the last axis in a byte, the first in its lower half."""
    filled = np.pad(numbers, [(0, 0)] * (numbers.ndim - 1) + [(0, numbers.shape[-1] % 2)]).astype(np.uint8)
    return filled[..., 0::2] | filled[..., 1::2] << np.uint8(4)
