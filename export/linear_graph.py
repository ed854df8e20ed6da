"""A linear classifier over n-grams as an ONNX graph: each n-gram's number is looked for by halves, as in a dictionary.

ONNX has an operator for n-grams, TfIdfVectorizer; but it gives a text a number for every n-gram that is known, a
million of them where a text holds some hundreds, and its table of words lies in attributes (docs/linear.md).

Shape legend: B batch, T tokens, P places of n-grams.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from export.quantizing.graph import OPSET, Drawing

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from onnx import ModelProto

    from lightning_modules.linear_network import LinearNetwork

_IR_VERSION = 10
_END = np.iinfo(np.int64).max
_FLOAT, _DOUBLE = 1, 11  # of onnx.TensorProto


def linear_graph(network: LinearNetwork) -> ModelProto:
    """Input `input_ids` int64 (B, T) without padding, output `logits` float32 (B, 2)."""
    from onnx import TensorProto, helper, numpy_helper

    drawing = _Drawing()
    drawing.table(network)
    digits = drawing.add("Add", ["input_ids", drawing.whole("one", 1)], "digits")
    numbers = [_ngrams(drawing, digits, length, network) for length in range(1, network.size.longest + 1)]
    place = _looked_up(drawing, drawing.add("Concat", numbers, "keys", axis=1), network.size.ngrams)
    margin = _margin(drawing, network, *_held(drawing, place, network.size.ngrams))
    half = drawing.constant("half", np.array(0.5))
    positive = drawing.add("Mul", [margin, half], "positive")
    both = [drawing.add("Neg", [positive], "negative"), positive]
    columns = [drawing.add("Unsqueeze", [each, drawing.axis(1)], f"{each}.column") for each in both]
    drawing.add("Cast", [drawing.add("Concat", columns, "logits.double", axis=1)], "logits", to=_FLOAT)
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
        """The n-grams' numbers, ascending, and what goes with each; last, 0, what goes with one that is not known."""
        self.constant("known", network.keys.numpy())
        self.constant("weight", _and_zero(network.weight))
        if network.size.features == "tfidf":
            self.constant("scale", _and_zero(network.scale))

    def looked_up(self, table: str, ngram: str) -> str:
        return self.add(
            "Cast", [self.add("Gather", [table, ngram], f"{table}.found")], f"{table}.of", to=_DOUBLE
        )


def _ngrams(drawing: _Drawing, digits: str, length: int, network: LinearNetwork) -> str:
    """The numbers (B, P) of the n-grams of `length` words."""
    name = f"ngrams_of_{length}"
    base = drawing.whole("base", network.size.vocabulary + 1)
    key = ""
    for place in range(length):
        digit = _part(drawing, digits, place, place + 1 - length, f"{name}.word_{place}")
        if key:
            shifted = drawing.add("Mul", [key, base], f"{name}.shifted_{place}")
            digit = drawing.add("Add", [shifted, digit], f"{name}.number_{place}")
        key = digit
    return key


def _part(drawing: _Drawing, digits: str, begin: int, end: int, name: str) -> str:
    """The tokens from `begin` on, without the last -`end`."""
    limits = [
        drawing.constant(f"{name}.{side}", np.array([value], np.int64))
        for side, value in (("begin", begin), ("end", end or _END))
    ]
    return drawing.add("Slice", [digits, *limits, drawing.axis(1)], name)


def _looked_up(drawing: _Drawing, keys: str, ngrams: int) -> str:
    """The place (B, P) of each number in the table, or `ngrams` where it is not there.

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
    return drawing.add("Where", [there, place, drawing.whole("unknown", ngrams)], "ngram_or_none")


def _held(drawing: _Drawing, place: str, ngrams: int) -> tuple[str, str, str]:
    """Of each n-gram that a text holds, once: text, place in the table, how often (float64); by text, then by place."""
    from onnx import helper

    size = drawing.whole("table_size", ngrams + 1)
    rows = drawing.add("Shape", ["input_ids"], "rows", start=0, end=1)
    count = drawing.add("Squeeze", [rows], "row_count")
    texts = drawing.add("Range", [drawing.whole("first", 0), count, "one"], "texts")
    begins = drawing.add("Unsqueeze", [drawing.add("Mul", [texts, size], "begin"), drawing.axis(1)], "begins")
    joined = drawing.add("Add", [place, begins], "joined")
    outputs = ["once", "", "", "times"]
    drawing.nodes.append(helper.make_node("Unique", [joined], outputs, name="unique", sorted=1))
    text = drawing.add("Div", ["once", size], "text")
    return (
        text,
        drawing.add("Mod", ["once", size], "ngram"),
        drawing.add("Cast", ["times"], "count", to=_DOUBLE),
    )


def _margin(drawing: _Drawing, network: LinearNetwork, text: str, ngram: str, count: str) -> str:
    """(B,) float64, summed in the order of the n-grams, so that no text depends on the texts beside it."""
    weights = drawing.looked_up("weight", ngram)
    if network.size.features == "tfidf":
        one = drawing.constant("unit", np.array(1.0))
        often = drawing.add("Add", [drawing.add("Log", [count], "log_count"), one], "often")
        tfidf = drawing.add("Mul", [drawing.looked_up("scale", ngram), often], "tfidf")
        total = _total(drawing, drawing.add("Mul", [weights, tfidf], "shares"), text)
        squared = _total(drawing, drawing.add("Mul", [tfidf, tfidf], "squares"), text)
        least = drawing.constant("least", np.array(np.finfo(np.float32).tiny, np.float64))
        # Of a text without a known word both are 0.
        length = drawing.add("Sqrt", [drawing.add("Max", [squared, least], "squared_length")], "length")
        total = drawing.add("Div", [total, length], "cosine")
    else:
        total = _total(drawing, weights, text)
    bias = drawing.constant("bias", network.bias.detach().double().numpy())
    return drawing.add("Add", [total, bias], "margin")


def _total(drawing: _Drawing, values: str, text: str) -> str:
    """(B,): the sum of each text."""
    from onnx import numpy_helper

    zero = numpy_helper.from_array(np.zeros(1), "zero")
    none = drawing.add("ConstantOfShape", ["rows"], f"{values}.none", value=zero)
    return drawing.add("ScatterElements", [none, text, values], f"{values}.total", axis=0, reduction="add")


def _and_zero(tensor: Any) -> NDArray[np.float32]:
    return np.append(tensor.detach().numpy(), np.float32(0))
