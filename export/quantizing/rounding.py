"""Rounding the weights of a product so that its outputs on known inputs change least, instead of each by itself.

GPTQ (Frantar et al. 2023, arXiv 2210.17323, algorithm 1): input after input, the error of rounding its weights is
made up for by the weights of the inputs that are still to come. It looks at the outputs one by one, so products that
share their inputs can be rounded in any company.

Shape legend: K inputs and N outputs of a product, G blocks of K.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from export.quantizing.weights import HIGHEST_4, LARGEST_8, LOWEST_4, block_scales, column_scales
from host.blas import one_blas_thread

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float32]
    Doubles = NDArray[np.float64]

_DAMPING = 0.01  # of the mean of the diagonal, as the paper has it
_AT_ONCE = 128  # inputs whose corrections are summed before they reach the rest


@one_blas_thread
def corrections_of(moment_KK: Doubles) -> Doubles:
    """(K, K), upper triangular: how the error of one input is spread over later ones; moment: the sum of x xᵀ."""
    from scipy.linalg import cho_solve, cholesky

    diagonal = np.diag(moment_KK)
    mean = float(diagonal.mean()) or 1.0
    damped = moment_KK + np.diag(np.where(diagonal == 0, mean, 0) + _DAMPING * mean)
    inverse = cho_solve((cholesky(damped, lower=True), True), np.eye(len(damped)))
    return np.asarray(cholesky((inverse + inverse.T) / 2, lower=False))


@one_blas_thread
def rounded_8_bit(weight_KN: Floats, corrections_KK: Doubles) -> tuple[NDArray[np.int8], Floats]:
    """(K, N) int8 and a scale for each column (N,)."""
    scales_N = column_scales(weight_KN)
    whole = np.zeros(weight_KN.shape, np.int8)
    left = weight_KN.astype(np.float64)
    for start in range(0, len(left), _AT_ONCE):
        _round_block(left, corrections_KK, start, _AT_ONCE, scales_N, (-LARGEST_8, LARGEST_8), whole)
    return whole, scales_N


@one_blas_thread
def rounded_4_bit(weight_KN: Floats, corrections_KK: Doubles, block: int) -> tuple[NDArray[np.int8], Floats]:
    """(K, N) of -8 to 7 and scales (K / block, N): of each block when its turn comes, corrections included."""
    whole = np.zeros(weight_KN.shape, np.int8)
    left = weight_KN.astype(np.float64)
    scales: list[Floats] = []
    for start in range(0, len(left), block):
        of_block_N = block_scales(left[start : start + block].T.astype(np.float32))
        scales.append(of_block_N)
        _round_block(left, corrections_KK, start, block, of_block_N, (LOWEST_4, HIGHEST_4), whole)
    return whole, np.stack(scales)


def _round_block(
    left_KN: Doubles,
    corrections_KK: Doubles,
    start: int,
    size: int,
    scales_N: Floats,
    limits: tuple[int, int],
    whole_KN: NDArray[np.int8],
) -> None:
    """Round `size` inputs from `start` on into `whole_KN`, and spread their errors over the rest of `left_KN`."""
    end = min(start + size, len(left_KN))
    errors = np.zeros((end - start, left_KN.shape[1]))
    for k in range(start, end):
        whole_KN[k] = np.clip(np.rint(left_KN[k] / scales_N), *limits)
        error_N = (left_KN[k] - whole_KN[k] * scales_N.astype(np.float64)) / corrections_KK[k, k]
        left_KN[k + 1 : end] -= np.outer(corrections_KK[k, k + 1 : end], error_N)
        errors[k - start] = error_N
    left_KN[end:] -= corrections_KK[start:end, end:].T @ errors
