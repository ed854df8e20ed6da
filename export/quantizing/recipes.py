"""The ways in which products with weights and tables of embeddings are written with whole numbers.

Products of two activations stay float32 in all of them.

Shape legend: M tokens of a call, K inputs and N outputs of a product.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from export.quantizing.calibration import ZERO_OF_ONE_SIDE
from export.quantizing.pieces import (
    biases,
    deliver,
    draw_bytes_table,
    draw_halves_table,
    flattened,
    stored_small,
)

if TYPE_CHECKING:
    from export.quantizing.calibration import Calibration
    from export.quantizing.graph import Drawing, Product, Table
    from export.quantizing.prepared import Bytes, Halves

_MIDDLE = 128  # onnxruntime multiplies unsigned by signed bytes several times as fast as signed by signed
_STEPS = 255
_FEW_ROWS = 1024
_SMALLEST = 1e-30  # scale of a token whose activations are all zero


@dataclass(frozen=True)
class Dynamic:
    """INT8 whose activations have one scale for a whole call, found at run time: uint8 per tensor.

    The second product of a feed-forward block is drawn `by_token`: its inputs come out of an activation function, a few
    of them many times as large as the rest, and one scale for all tokens would leave these few of its steps.
    """

    weights: Bytes
    by_token: Rows

    def products(self, drawing: Drawing, products: Sequence[Product]) -> None:
        if _narrows(products):
            self.by_token.products(drawing, products)
            return
        name = products[0].name
        whole, scales = self.weights.of(products)
        inputs = [
            _smoothed(drawing, self.weights, products[0]),
            drawing.constant(f"{name}.int8", whole),
            stored_small(drawing, f"{name}.scales", scales),
            "",  # the weights' zeros are 0
            biases(drawing, products),
        ]
        flat = drawing.add("DynamicQuantizeMatMul", inputs, f"{name}.flat", contributed=True)
        deliver(drawing, flat, products, biased=True)

    def table(self, drawing: Drawing, table: Table) -> None:
        draw_bytes_table(drawing, table)


@dataclass(frozen=True)
class Static:
    """INT8 whose activations have scales fixed beforehand, by what they ranged over in the calibration."""

    weights: Bytes
    calibration: Calibration

    def products(self, drawing: Drawing, products: Sequence[Product]) -> None:
        name, activations = products[0].name, products[0].activations
        inputs, shrinking_K = self.calibration[activations], self.weights.shrinking(activations)
        scale, zero = _byte_scale(
            float((inputs.lowest_K * shrinking_K).min()), float((inputs.highest_K * shrinking_K).max())
        )
        step = drawing.constant(f"{name}.step", np.array(scale, np.float32))
        middle = drawing.constant(f"{name}.zero", np.array(zero, np.uint8))
        small = _smoothed(drawing, self.weights, products[0])
        read = drawing.add("QuantizeLinear", [small, step, middle], f"{name}.bytes")
        flat = _product(drawing, self.weights, products, (read, step, middle), bias=biases(drawing, products))
        deliver(drawing, flat, products, biased=True)

    def table(self, drawing: Drawing, table: Table) -> None:
        draw_bytes_table(drawing, table)


@dataclass(frozen=True)
class Rows:
    """INT8 whose activations have a scale for each token, found at run time; none crosses a row.

    Vector-wise quantization (Dettmers et al. 2022, arXiv 2208.07339). Sums of whole numbers are the same in any order,
    so that a text's answer is the same to the bit whatever stands beside it in a call.
    """

    weights: Bytes

    def products(self, drawing: Drawing, products: Sequence[Product]) -> None:
        name, activations = products[0].name, products[0].activations
        below = self.weights.one_sided.get(activations)
        if below is None:
            token = _by_token(drawing, _smoothed(drawing, self.weights, products[0]))
        else:
            token = _by_token_above(drawing, flattened(drawing, activations), below)
        one = drawing.constant("rows.one", np.array(1, np.float32))
        zero = drawing.constant(f"rows.zero.{token.zero}", np.array(token.zero, np.uint8))
        unscaled = _product(drawing, self.weights, products, (token.read, one, zero))
        deliver(drawing, drawing.add("Mul", [unscaled, token.scales_M1], f"{name}.scaled"), products)

    def table(self, drawing: Drawing, table: Table) -> None:
        draw_bytes_table(drawing, table)


@dataclass(frozen=True)
class FourBit:
    """INT4 weights in blocks; activations INT8 with a scale for each block of each row; embeddings INT4 in blocks.

    A table of few rows is in INT8: it weighs little, and one of positions is read by every token of every text.
    """

    weights: Halves

    def products(self, drawing: Drawing, products: Sequence[Product]) -> None:
        name = products[0].name
        whole, scales = self.weights.of(products)
        flat = drawing.add(
            "MatMulNBits",
            [
                flattened(drawing, products[0].activations),
                drawing.constant(f"{name}.int4", whole),
                stored_small(drawing, f"{name}.scales", scales),
            ],
            f"{name}.flat",
            contributed=True,
            K=products[0].weight_KN.shape[0],
            N=len(whole),
            bits=4,
            block_size=self.weights.block,
            accuracy_level=4,
        )
        deliver(drawing, flat, products)

    def table(self, drawing: Drawing, table: Table) -> None:
        if len(table.weight_VD) <= _FEW_ROWS:
            draw_bytes_table(drawing, table)
        else:
            draw_halves_table(drawing, table, self.weights.block)


def _narrows(products: Sequence[Product]) -> bool:
    """Whether more goes in than comes out."""
    return products[0].weight_KN.shape[0] > sum(product.weight_KN.shape[1] for product in products)


def _smoothed(drawing: Drawing, weights: Bytes, product: Product) -> str:
    """The activations (M, K), smoothed."""
    flat = flattened(drawing, product.activations)
    shrinking = stored_small(drawing, f"{product.name}.shrinking", weights.shrinking(product.activations))
    return drawing.add("Mul", [flat, shrinking], f"{product.name}.small")


def _product(
    drawing: Drawing, weights: Bytes, products: Sequence[Product], read: tuple[str, str, str], bias: str = ""
) -> str:
    """Bytes (M, K) by INT8 weights, as float32; read: the bytes, their scale and their zero."""
    name = products[0].name
    whole, scales = weights.of(products)
    byte, scale, zero = read
    inputs = [
        byte,
        drawing.constant(f"{name}.int8", whole),
        scale,
        stored_small(drawing, f"{name}.scales", scales),
        zero,
        "",  # the weights' zeros are 0
        bias,
    ]
    return drawing.add("MatMulIntegerToFloat", inputs, f"{name}.flat", contributed=True)


class _ByToken(NamedTuple):
    """Activations with a scale for each token: names of them as bytes (M, K) and of the scales (M, 1)."""

    read: str
    scales_M1: str
    zero: int


def _by_token(drawing: Drawing, flat: str) -> _ByToken:
    """Between -largest and largest."""
    magnitudes = drawing.add("Abs", [flat], f"{flat}.abs")
    return _scaled(drawing, flat, magnitudes, zero=_MIDDLE, smallest=_SMALLEST)


def _by_token_above(drawing: Drawing, flat: str, below: float) -> _ByToken:
    """Between -below and largest, of activations that go no further below zero."""
    smallest = max(below / ZERO_OF_ONE_SIDE, _SMALLEST)
    return _scaled(drawing, flat, flat, zero=ZERO_OF_ONE_SIDE, smallest=smallest)


def _scaled(drawing: Drawing, flat: str, magnitudes: str, *, zero: int, smallest: float) -> _ByToken:
    axis = drawing.constant("rows.last_axis", np.array([-1], np.int64))
    largest = drawing.add("ReduceMax", [magnitudes, axis], f"{flat}.largest", keepdims=1)
    steps = drawing.constant(f"rows.steps.{zero}", np.array([1 / (_STEPS - zero)], np.float32))
    scale = drawing.add("Mul", [largest, steps], f"{flat}.scale")
    least = drawing.constant(f"{flat}.least", np.array([smallest], np.float32))
    scales_M1 = drawing.add("Max", [scale, least], f"{flat}.scales")
    every = drawing.constant("rows.all", np.array([-1], np.int64))
    scales_M = drawing.add("Reshape", [scales_M1, every], f"{flat}.by_token")
    inputs = [flat, scales_M, _zeros(drawing, scales_M, zero)]
    return _ByToken(drawing.add("QuantizeLinear", inputs, f"{flat}.bytes", axis=0), scales_M1, zero)


def _zeros(drawing: Drawing, scales_M: str, zero: int) -> str:
    from onnx import TensorProto, helper

    count = drawing.add("Shape", [scales_M], f"{scales_M}.count")
    value = helper.make_tensor("value", TensorProto.UINT8, [1], [zero])
    return drawing.add("ConstantOfShape", [count], f"{scales_M}.zeros", value=value)


def _byte_scale(lowest: float, highest: float) -> tuple[float, int]:
    """The step between two bytes and the byte of zero, for all that lies between the lowest and the highest."""
    low, high = min(0.0, lowest), max(0.0, highest)
    step = max((high - low) / _STEPS, float(np.finfo(np.float32).tiny))
    return step, round(-low / step)
