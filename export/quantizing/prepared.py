"""The weights of a model as whole numbers, made once; graphs are then drawn with them, all or some.

Shape legend: K inputs and N outputs of a product, G blocks of K.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np

from export.quantizing.graph import products_of
from export.quantizing.rounding import rounded_4_bit, rounded_8_bit
from export.quantizing.weights import half_numbers, packed

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from onnx import ModelProto

    from export.quantizing.calibration import Calibration
    from export.quantizing.graph import Product

    Floats = NDArray[np.float32]

_SMALLEST = 1e-5


class Bytes:
    """Weights in INT8 with a scale for each column, and what their inputs are multiplied by before.

    strength: SmoothQuant's (Xiao et al. 2023, arXiv 2211.10438, equation 4), by which what is large in a few inputs
    only is moved into the weights. one_sided: activations that are not smoothed, and how far below zero they go. A
    product is rounded when it is first asked for.
    """

    def __init__(
        self,
        model: ModelProto,
        calibration: Calibration,
        strength: float,
        one_sided: Mapping[str, float] = MappingProxyType({}),
    ) -> None:
        self._calibration, self._strength, self.one_sided = calibration, strength, one_sided
        self._groups: dict[str, list[Product]] = {}
        for product in products_of(model):
            self._groups.setdefault(product.activations, []).append(product)
        self._shrinking: dict[str, Floats] = {}
        self._weights: dict[str, tuple[NDArray[np.int8], Floats]] = {}

    def shrinking(self, activations: str) -> Floats:
        """(K,): what those activations are multiplied by, numbers that a float16 holds."""
        if activations in self.one_sided:
            return np.ones(self._calibration[activations].width, np.float32)
        if activations not in self._shrinking:
            largest_K = self._calibration[activations].largest
            factors_K = _smoothing(largest_K, self._groups[activations], self._strength)
            self._shrinking[activations] = half_numbers(np.reciprocal(factors_K))
        return self._shrinking[activations]

    def _rounded(self, product: Product) -> tuple[NDArray[np.int8], Floats]:
        if product.name not in self._weights:
            factors_K = np.reciprocal(self.shrinking(product.activations))
            corrections_KK = self._calibration[product.activations].corrections
            self._weights[product.name] = rounded_8_bit(
                product.weight_KN * factors_K[:, None], corrections_KK * factors_K
            )
        return self._weights[product.name]

    def of(self, products: Sequence[Product]) -> tuple[NDArray[np.int8], Floats]:
        """Side by side: (K, N of all) and (N of all,)."""
        found = [self._rounded(product) for product in products]
        return np.concatenate([whole for whole, _ in found], axis=1), np.concatenate([s for _, s in found])


class Halves:
    """Weights in INT4 with a scale for each block of `block` inputs of a column."""

    def __init__(self, model: ModelProto, calibration: Calibration, block: int) -> None:
        self.block = block
        self._weights = {
            product.name: rounded_4_bit(
                product.weight_KN, calibration[product.activations].corrections, block
            )
            for product in products_of(model)
            if product.weight_KN.shape[0] % block == 0
        }

    def of(self, products: Sequence[Product]) -> tuple[NDArray[np.uint8], Floats]:
        """One below the other, as MatMulNBits reads them: packed (N of all, G, block / 2) and scales (N of all, G)."""
        found = [self._weights[product.name] for product in products]
        whole_NK = np.concatenate([whole for whole, _ in found], axis=1).T
        blocks = whole_NK.reshape(len(whole_NK), -1, self.block)
        return packed(blocks), np.concatenate([scales.T for _, scales in found])


def _smoothing(largest_K: Floats, group: Sequence[Product], strength: float) -> Floats:
    """The factor that each input is divided by and its row of the weights multiplied by; their geometric mean is 1."""
    inputs_K = np.maximum(largest_K, _SMALLEST)
    weights = np.concatenate([np.abs(product.weight_KN) for product in group], axis=1)
    weights_K = np.maximum(weights.max(axis=1), _SMALLEST)
    logs_K = strength * np.log(inputs_K) - (1 - strength) * np.log(weights_K)
    return np.exp(logs_K - logs_K.mean()).astype(np.float32)
