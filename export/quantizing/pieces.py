"""Pieces of graphs that several recipes draw.

Shape legend: M tokens of a call, K inputs and N outputs of a product.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from export.quantizing.weights import packed, rows_8_bit, table_4_bit

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from export.quantizing.graph import Drawing, Product, Table


def draw_bytes_table(drawing: Drawing, table: Table) -> None:
    """Rows of int8 with a scale each, looked up and scaled."""
    from onnx import TensorProto

    whole, scales, columns = rows_8_bit(table.weight_VD)
    name = table.name
    row = drawing.add("Gather", [drawing.constant(f"{name}.int8", whole), table.indices], f"{name}.row")
    scale = drawing.add(
        "Gather", [stored_small(drawing, f"{name}.scales", scales), table.indices], f"{name}.scale"
    )
    real = drawing.add("Cast", [row], f"{name}.real", to=TensorProto.FLOAT)
    if columns is None:
        drawing.add("Mul", [real, scale], table.output)
    else:
        by_row = drawing.add("Mul", [real, scale], f"{name}.by_row")
        drawing.add("Mul", [by_row, drawing.constant(f"{name}.columns", columns)], table.output)


def draw_halves_table(drawing: Drawing, table: Table, block: int) -> None:
    """Rows of INT4 in blocks, looked up and scaled."""
    values, scales = table_4_bit(table.weight_VD, block)
    name = table.name
    inputs = [
        drawing.constant(f"{name}.int4", packed(values)),
        table.indices,
        stored_small(drawing, f"{name}.scales", scales),
    ]
    drawing.add(
        "GatherBlockQuantized",
        inputs,
        table.output,
        contributed=True,
        bits=4,
        block_size=block,
        gather_axis=0,
        quantize_axis=1,
    )


def flattened(drawing: Drawing, activations: str) -> str:
    """The activations as (M, K)."""
    return drawing.add("Flatten", [activations], f"{activations}.flat", axis=-1)


def stored_small(drawing: Drawing, name: str, scales: NDArray[np.float32]) -> str:
    """Scales, kept as float16 where that holds them exactly; onnxruntime widens them once, when it loads the model."""
    from onnx import TensorProto

    with np.errstate(over="ignore"):
        small = scales.astype(np.float16)
    if (small != scales).any():
        return drawing.constant(name, scales)
    return drawing.add("Cast", [drawing.constant(f"{name}.small", small)], name, to=TensorProto.FLOAT)


def biases(drawing: Drawing, products: Sequence[Product]) -> str:
    """Those of all products (N of all,), for an operator that adds them itself; empty where there are none."""
    if all(product.bias_N is None for product in products):
        return ""
    parts = [
        np.zeros(product.weight_KN.shape[1], np.float32) if product.bias_N is None else product.bias_N
        for product in products
    ]
    return drawing.constant(f"{products[0].name}.biases", np.concatenate(parts))


def deliver(drawing: Drawing, flat: str, products: Sequence[Product], *, biased: bool = False) -> None:
    """Give (M, N of all) out as every product's own output, in the shape of the activations.

    biased: whether the biases are in it; else they are added.
    """
    widths = [product.weight_KN.shape[1] for product in products]
    name = flat
    leading = drawing.add("Shape", [products[0].activations], f"{name}.leading", end=-1)
    width = drawing.constant(f"{name}.width", np.array([sum(widths)], np.int64))
    shape = drawing.add("Concat", [leading, width], f"{name}.shape", axis=0)
    shaped = drawing.add("Reshape", [flat, shape], f"{name}.shaped")
    if len(products) > 1:
        names = [
            product.output if biased or product.bias_N is None else f"{product.output}.unbiased"
            for product in products
        ]
        drawing.split(shaped, dict(zip(names, widths, strict=True)))
    else:
        names = [shaped]
    for product, name in zip(products, names, strict=True):
        if product.bias_N is not None and not biased:
            bias = drawing.constant(f"{product.name}.bias", product.bias_N)
            drawing.add("Add", [name, bias], product.output)
        elif name != product.output:
            drawing.add("Identity", [name], product.output)
