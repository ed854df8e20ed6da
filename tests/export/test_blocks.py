"""Weights in blocks of few bits, against the arithmetic that onnxruntime documents for them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from export.blocks import BLOCK, Blocks, in_blocks


def unpacked(packed: NDArray[np.uint8]) -> NDArray[np.int64]:
    return np.stack([packed & 15, packed >> 4], axis=-1).reshape(*packed.shape[:-1], -1).astype(np.int64)


def values_of(blocks: Blocks, columns: int) -> NDArray[np.float64]:
    """(value - zero point) * scale."""
    rows, groups = blocks.scales.shape
    if blocks.zero_points is None:
        numbers, zeros = blocks.values.astype(np.int64), np.full((rows, groups), 128)
    else:
        numbers, zeros = unpacked(blocks.values), unpacked(blocks.zero_points)[:, :groups]
    found = (numbers - zeros[..., None]) * blocks.scales[..., None].astype(np.float64)
    return found.reshape(rows, -1)[:, :columns]


@pytest.mark.parametrize("bits", [4, 8])
@given(seed=st.integers(0, 999), columns=st.integers(1, 100), size=st.sampled_from([1e-6, 1.0, 1e4]))
@settings(max_examples=40, deadline=None)
def test_no_weight_is_further_off_than_half_a_step_of_its_block(
    bits: int, seed: int, columns: int, size: float
) -> None:
    draw = np.random.default_rng(seed)
    weight = (size * draw.normal(size=(5, columns)) + draw.choice([0, size])).astype(np.float32)
    blocks = in_blocks(weight, 8 if bits == 8 else 4)
    assert blocks.values.shape == (5, -(-columns // BLOCK), BLOCK * bits // 8)
    # A zero point is rounded, too, so in 4 bits an end of the range may be half a step further off.
    worst = (0.5 if bits == 8 else 1.0) * blocks.scales.repeat(BLOCK, axis=1)[:, :columns]
    assert (np.abs(values_of(blocks, columns) - weight) <= worst * (1 + 1e-4)).all()


@pytest.mark.parametrize("bits", [4, 8])
def test_zero_stays_zero_and_a_block_of_zeros_has_a_scale(bits: int) -> None:
    weight = np.zeros((2, 64), np.float32)
    weight[0, 3] = 7
    blocks = in_blocks(weight, 8 if bits == 8 else 4)
    found = values_of(blocks, 64)
    assert found[0, 3] == pytest.approx(7, rel=1e-6)
    found[0, 3] = 0
    assert (found == 0).all()
    assert (blocks.scales > 0).all()
