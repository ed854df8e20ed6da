"""An LSTM classifier as an ONNX graph, written node by node.

torch's own exporter fixes the number of tokens to that of the example, every time but the first in a process.

Shape legend: B batch, T tokens, D width of a word's vector, H width of a direction's state, K width of a layer's input.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from export.quantizing.graph import OPSET, Drawing

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from onnx import ModelProto
    from torch import Tensor, nn

    from lightning_modules.lstm_network import LstmNetwork

_IR_VERSION = 10


def lstm_graph(network: LstmNetwork) -> ModelProto:
    """Input `input_ids` int64 (B, T) without padding, output `logits` float32 (B, labels)."""
    from onnx import TensorProto, helper, numpy_helper

    drawing = Drawing()
    vectors = drawing.constant("words.weight", _array(network.words.weight))
    words_BTD = drawing.add("Gather", [vectors, "input_ids"], "words")
    states_TBK = drawing.add("Transpose", [words_BTD], "words.by_step", perm=[1, 0, 2])
    for number, layer in enumerate(network.layers):
        states_TBK = _layer(drawing, states_TBK, layer, f"layers.{number}")
    first = drawing.constant("over_steps", np.array([0], np.int64))
    pooled = [
        drawing.add(operator, [states_TBK, first], name, keepdims=0)
        for operator, name in (("ReduceMax", "highest"), ("ReduceMean", "mean"))
    ]
    both = drawing.add("Concat", pooled, "pooled", axis=-1)
    head = [  # in float64, as in the network
        drawing.constant(f"head.{part}", _array(getattr(network.head, part)).astype(np.float64))
        for part in ("weight", "bias")
    ]
    wide = drawing.add("Cast", [both], "pooled.wide", to=TensorProto.DOUBLE)
    product = drawing.add("Gemm", [wide, *head], "logits.wide", transB=1)
    drawing.add("Cast", [product], "logits", to=TensorProto.FLOAT)
    ids = helper.make_tensor_value_info("input_ids", TensorProto.INT64, ["batch", "tokens"])
    logits = helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["batch", len(network.size.labels)])
    weights = [numpy_helper.from_array(values, name) for name, values in drawing.constants.items()]
    graph = helper.make_graph(drawing.nodes, "lstm", [ids], [logits], weights)
    opsets = [helper.make_opsetid("", OPSET)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=_IR_VERSION, producer_name="encore")


def _layer(drawing: Drawing, inputs_TBK: str, layer: nn.Module, name: str) -> str:
    """The states (T, B, 2H) of both directions."""
    parts = {
        "input": [_array(getattr(layer, f"weight_ih_l0{way}")) for way in ("", "_reverse")],
        "state": [_array(getattr(layer, f"weight_hh_l0{way}")) for way in ("", "_reverse")],
        "bias": [
            np.concatenate([_by_onnx(_array(getattr(layer, f"bias_{of}_l0{way}"))) for of in ("ih", "hh")])
            for way in ("", "_reverse")
        ],
    }
    weights = [
        np.stack([values if part == "bias" else _by_onnx(values) for values in both])
        for part, both in parts.items()
    ]
    read = [drawing.constant(f"{name}.{part}", values) for part, values in zip(parts, weights, strict=True)]
    width = weights[1].shape[-1]
    states = drawing.add(
        "LSTM", [inputs_TBK, *read], f"{name}.states", direction="bidirectional", hidden_size=width
    )
    beside = drawing.add("Transpose", [states], f"{name}.beside", perm=[0, 2, 1, 3])
    shape = drawing.constant("both_directions", np.array([0, 0, -1], np.int64))
    return drawing.add("Reshape", [beside, shape], name)


def _by_onnx(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    """Gates in ONNX's order: input, output, forget, cell; torch has input, forget, cell, output."""
    entering, forget, cell, output = np.split(rows, 4)
    return np.concatenate([entering, output, forget, cell])


def _array(weight: Tensor) -> NDArray[np.float32]:
    return weight.detach().float().numpy()
