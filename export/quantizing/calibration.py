"""What a model's products are fed with, on texts that it was trained on.

Shape legend: B batch, L tokens, M tokens in all, K inputs of a product.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from export.quantizing.graph import products_of
from export.quantizing.rounding import corrections_of
from host.blas import one_blas_thread

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from onnx import ModelProto

    Floats = NDArray[np.float32]

ZERO_OF_ONE_SIDE = 32
"""The byte of zero of such activations. With 16 the logits lie as near to float32's, with 8 a sixth further."""
_TOKENS_AT_ONCE = 4096  # held before they are summed


class Inputs:
    """The inputs of the products that share them: between what they lie, and the sum of x xᵀ over all tokens."""

    def __init__(self, width: int) -> None:
        self.width = width
        self.lowest_K = np.full(width, np.inf, np.float32)
        self.highest_K = np.full(width, -np.inf, np.float32)
        self.moment_KK = np.zeros((width, width))
        self._waiting: list[Floats] = []
        self._tokens = 0

    def add(self, values_MK: Floats) -> None:
        self.lowest_K = np.minimum(self.lowest_K, values_MK.min(axis=0))
        self.highest_K = np.maximum(self.highest_K, values_MK.max(axis=0))
        self._waiting.append(values_MK)
        self._tokens += len(values_MK)
        if self._tokens >= _TOKENS_AT_ONCE:
            self.finish()

    @one_blas_thread
    def finish(self) -> None:
        if self._waiting:
            values_MK = np.concatenate(self._waiting)
            self.moment_KK += values_MK.T @ values_MK
        self._waiting, self._tokens = [], 0

    @property
    def largest(self) -> Floats:
        return np.maximum(np.abs(self.lowest_K), np.abs(self.highest_K))

    @cached_property
    def corrections(self) -> NDArray[np.float64]:
        return corrections_of(self.moment_KK)


Calibration = Mapping[str, Inputs]
"""By the name of the activations."""


def one_sided(calibration: Calibration) -> dict[str, float]:
    """Activations that go hardly below zero, as those behind GELU, and how far: bytes are then shared out unevenly."""
    found = {
        name: (-float(inputs.lowest_K.min()), float(inputs.highest_K.max()))
        for name, inputs in calibration.items()
    }
    share = ZERO_OF_ONE_SIDE / (255 - ZERO_OF_ONE_SIDE)
    return {name: max(below, 0.0) for name, (below, above) in found.items() if below <= share * above}


def calibrated(model: ModelProto, path: Path, batches: Iterable[NDArray[np.int64]]) -> Calibration:
    """What each product of the model at `path` is fed with, over batches of unpadded ids (B, L).

    UserError if onnxruntime cannot run it.
    """
    from onnx import ModelProto as Model
    from onnx import TensorProto, helper

    from export.session import new_session, run_session

    products = {product.activations: product.weight_KN.shape[0] for product in products_of(model)}
    if not products:
        return {}
    watched = Model()
    watched.CopyFrom(model)
    watched.graph.output.extend(
        helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in products
    )
    session = new_session(watched.SerializeToString(), threads=1)
    found = {name: Inputs(width) for name, width in products.items()}
    read = {entry.name for entry in session.get_inputs()}
    for ids_BL in batches:
        given = {"input_ids": ids_BL, "attention_mask": np.ones_like(ids_BL)}
        feeds = {name: values for name, values in given.items() if name in read}
        for name, values in zip(products, run_session(session, path, list(products), feeds), strict=True):
            found[name].add(np.asarray(values).reshape(-1, found[name].width))
    for inputs in found.values():
        inputs.finish()
    return found
