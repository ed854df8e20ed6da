"""A linear classifier over n-grams as an ONNX graph: each n-gram's number is looked for by halves, as in a dictionary.

ONNX has an operator for n-grams, TfIdfVectorizer; but it gives a text a number for every n-gram that is known, a
million of them where a text holds some hundreds, and its table of words lies in attributes (docs/linear.md).

Shape legend: B batch, T tokens, P places of n-grams, F n-grams that are known.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from export.original import MODEL_FILE, Original
from export.quantizing.graph import OPSET, Drawing
from host.model_folder import CONFIG

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from onnx import ModelProto

    from lightning_modules.linear_network import LinearNetwork

_IR_VERSION = 10
_END = np.iinfo(np.int64).max


def write_linear(original: Original, folder: Path) -> None:
    """model.onnx beside the config and the tokenizer."""
    network: Any = original.model.network
    shutil.copytree(original.tokenizer, folder)
    shutil.copy(original.config, folder / CONFIG)
    (folder / MODEL_FILE).write_bytes(linear_graph(network).SerializeToString(deterministic=True))


def is_linear(original: Original) -> bool:
    from lightning_modules.linear_network import LinearNetwork

    return isinstance(original.model.network, LinearNetwork)


def linear_graph(network: LinearNetwork) -> ModelProto:
    """Input `input_ids` int64 (B, T) without padding, output `logits` float32 (B, 2)."""
    from onnx import TensorProto, helper, numpy_helper

    drawing = _Drawing()
    drawing.table(network)
    digits = drawing.add("Add", ["input_ids", drawing.whole("one", 1)], "digits")
    parts = [_ngrams(drawing, digits, length, network) for length in range(1, network.size.longest + 1)]
    keys, counts = (
        drawing.add("Concat", list(each), name, axis=1)
        for name, each in zip(("keys", "counts"), zip(*parts, strict=True), strict=True)
    )
    place, known = _looked_up(drawing, keys, network.size.ngrams)
    margin = _margin(drawing, network, place, known, counts)
    half = drawing.constant("half", np.array(0.5, np.float32))
    positive = drawing.add("Mul", [margin, half], "positive")
    drawing.add("Concat", [drawing.add("Neg", [positive], "negative"), positive], "logits", axis=1)
    ids = helper.make_tensor_value_info("input_ids", TensorProto.INT64, ["batch", "tokens"])
    logits = helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["batch", 2])
    weights = [numpy_helper.from_array(values, name) for name, values in drawing.constants.items()]
    graph = helper.make_graph(drawing.nodes, "linear", [ids], [logits], weights)
    opsets = [helper.make_opsetid("", OPSET)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=_IR_VERSION, producer_name="encore")


class _Drawing(Drawing):
    def whole(self, name: str, value: int) -> str:
        """A scalar int64."""
        return self.constant(name, np.array(value, np.int64))

    def axis(self, number: int) -> str:
        """A list of one axis."""
        return self.constant(f"axis_{number}", np.array([number], np.int64))

    def table(self, network: LinearNetwork) -> None:
        """The n-grams' numbers, ascending, and what goes with each."""
        self.constant("known", network.keys.numpy())
        self.constant("weight", _array(network.weight))
        if network.size.features == "tfidf":
            self.constant("scale", _array(network.scale))


def _ngrams(drawing: _Drawing, digits: str, length: int, network: LinearNetwork) -> tuple[str, str]:
    """The numbers (B, P) of the n-grams of `length` words, and how often each stands in its text, as float32."""
    name = f"ngrams_of_{length}"
    base = drawing.whole("base", network.size.vocabulary + 1)
    key = ""
    for place in range(length):
        digit = _part(drawing, digits, place, place + 1 - length, f"{name}.word_{place}")
        if key:
            shifted = drawing.add("Mul", [key, base], f"{name}.shifted_{place}")
            digit = drawing.add("Add", [shifted, digit], f"{name}.number_{place}")
        key = digit
    rows = drawing.add("Unsqueeze", [key, drawing.axis(2)], f"{name}.rows")
    columns = drawing.add("Unsqueeze", [key, drawing.axis(1)], f"{name}.columns")
    alike = drawing.add("Equal", [rows, columns], f"{name}.alike")
    ones = drawing.add("Cast", [alike], f"{name}.ones", to=1)
    return key, drawing.add("ReduceSum", [ones, drawing.axis(2)], f"{name}.counts", keepdims=0)


def _part(drawing: _Drawing, digits: str, begin: int, end: int, name: str) -> str:
    """The tokens from `begin` on, without the last -`end`."""
    limits = [
        drawing.constant(f"{name}.{side}", np.array([value], np.int64))
        for side, value in (("begin", begin), ("end", end or _END), ("axis", 1))
    ]
    return drawing.add("Slice", [digits, *limits], name)


def _looked_up(drawing: _Drawing, keys: str, ngrams: int) -> tuple[str, str]:
    """The place (B, P) of each number in the table, and whether it is there as 1 or 0, float32.

    What is found is the place of the last smaller number: -1 or one of `ngrams`, of which each probe leaves half.
    """
    below = drawing.add("Sub", [drawing.add("Sub", [keys, keys], "zero"), "one"], "before_all")
    left = ngrams
    while left:
        name, half = f"among_{left}", drawing.whole(f"half_of_{left}", (left + 1) // 2)
        tried = drawing.add("Add", [below, half], f"{name}.tried")
        found = drawing.add("Gather", ["known", tried], f"{name}.found")
        smaller = drawing.add("Less", [found, keys], f"{name}.smaller")
        below = drawing.add("Where", [smaller, tried, below], f"{name}.below")
        left //= 2
    last = drawing.whole("last_place", ngrams - 1)
    place = drawing.add("Min", [drawing.add("Add", [below, "one"], "next"), last], "place")
    there = drawing.add("Equal", [drawing.add("Gather", ["known", place], "there"), keys], "is_known")
    return place, drawing.add("Cast", [there], "once", to=1)


def _margin(drawing: _Drawing, network: LinearNetwork, place: str, known: str, counts: str) -> str:
    """(B, 1). An n-gram stands at as many places as its text holds it, so each has that part of its share."""
    part = drawing.add("Div", [known, counts], "part")
    weights = drawing.add("Gather", ["weight", place], "weights")
    if network.size.features == "tfidf":
        total = _cosine(drawing, weights, place, part, counts)
    else:
        total = _total(drawing, weights, part, "shares")
    return drawing.add("Add", [total, drawing.constant("bias", _array(network.bias))], "margin")


def _cosine(drawing: _Drawing, weights: str, place: str, part: str, counts: str) -> str:
    """(B, 1): the weights by tf-idf, over the length of all tf-idf of a text."""
    one = drawing.constant("unit", np.array(1, np.float32))
    often = drawing.add("Add", [drawing.add("Log", [counts], "log_counts"), one], "often")
    tfidf = drawing.add("Mul", [drawing.add("Gather", ["scale", place], "idf"), often], "tfidf")
    total = _total(drawing, drawing.add("Mul", [weights, tfidf], "weighed"), part, "shares")
    squared = _total(drawing, drawing.add("Mul", [tfidf, tfidf], "squares"), part, "squared_shares")
    least = drawing.constant("least", np.array(np.finfo(np.float32).tiny, np.float32))
    # Of a text without a known word both are 0.
    length = drawing.add("Sqrt", [drawing.add("Max", [squared, least], "squared_length")], "length")
    return drawing.add("Div", [total, length], "cosine")


def _total(drawing: _Drawing, values: str, part: str, name: str) -> str:
    shares = drawing.add("Mul", [values, part], name)
    return drawing.add("ReduceSum", [shares, drawing.axis(1)], f"{name}.total")


def _array(tensor: Any) -> NDArray[np.float32]:
    return tensor.detach().numpy()
