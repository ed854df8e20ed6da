"""GPT-2 (Radford et al. 2019) as an ONNX graph of onnxruntime's fused operators, with its weights in 32, 8 or 4 bits.

Written by hand because a traced graph has neither an attention that knows the length of each row nor one table for
embedding and head in 8 or 4 bits. Its inputs and outputs are named as optimum and transformers.js name them.

Legend: B rows, N new tokens, T tokens read so far and new ones, P positions that the cache has room for, V vocabulary,
D width, H heads, K width of a head.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from errors import UserError
from export.blocks import BLOCK, Bits, in_blocks

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from onnx import ModelProto, NodeProto, TensorProto
    from transformers import GPT2LMHeadModel

LAST_ONLY = "num_logits_to_keep"
"""An input with a default: for how many of the last tokens logits are given; 0, the default: for all."""

_FUSED = "com.microsoft"
_OPSET, _IR_VERSION = 17, 9
_HEAD_WIDTHS = 8  # GroupQueryAttention takes heads of a multiple of it
_INT8_PRODUCTS = 4  # accuracy_level: activations are INT8 too, with a scale for each block of a row
_TANH_GELUS = frozenset({"gelu_new", "gelu_fast", "gelu_pytorch_tanh"})
_ACTIVATIONS = {"gelu": ("Gelu", _FUSED), "relu": ("Relu", "")} | dict.fromkeys(
    _TANH_GELUS, ("FastGelu", _FUSED)
)


def gpt2_graph(model: GPT2LMHeadModel, bits: Bits | None) -> ModelProto:
    """Inputs: `input_ids` int64 (B, N), `position_ids` (B, N), `attention_mask` int64 (B, T) with 1 on the tokens of a
    row and 0 AFTER them, `past_key_values.<i>.key` and `.value` float32 (B, H, P, K); outputs: `logits` float32
    (B, N, V) and `present.<i>.key`, `.value`. Where T <= P and a present is bound to the memory of its past, the new
    positions are written into that memory; else it is the past with the new positions behind it.

    bits: of every weight matrix and both embeddings; none: float32. UserError for an activation that it does not know.
    """
    from onnx import helper

    graph = _Graph(bits)
    outputs = _network(graph, model)
    made = helper.make_graph(
        graph.nodes, "gpt2", _inputs(model), _outputs(model, outputs), list(graph.weights.values())
    )
    opsets = [helper.make_opsetid("", _OPSET), helper.make_opsetid(_FUSED, 1)]
    return helper.make_model(made, opset_imports=opsets, ir_version=_IR_VERSION, producer_name="encore")


class _Graph:
    """Nodes and weights so far; each method adds a node and returns the name of what it gives."""

    def __init__(self, bits: Bits | None) -> None:
        self.bits: Bits | None = bits
        self.nodes: list[NodeProto] = []
        self.weights: dict[str, TensorProto] = {}

    def weight(self, name: str, values: Any) -> str:
        from onnx import numpy_helper

        if name not in self.weights:
            self.weights[name] = numpy_helper.from_array(np.ascontiguousarray(values), name)
        return name

    def node(
        self,
        operator: str,
        inputs: Sequence[str],
        *,
        name: str,
        outputs: Sequence[str] = (),
        domain: str = "",
        **attributes: Any,
    ) -> str:
        from onnx import helper

        outputs = outputs or [name]
        self.nodes.append(helper.make_node(operator, inputs, outputs, name=name, domain=domain, **attributes))
        return outputs[0]

    def product(
        self, x: str, name: str, weight_NK: NDArray[np.float32], bias: str = "", table: str = ""
    ) -> str:
        """x times the transposed weight, plus `bias`. table: the name of the weight where it is an embedding, too."""
        rows, columns = weight_NK.shape
        if self.bits is None:
            by_column = (
                self.node(
                    "Transpose", [self.weight(table, weight_NK)], name=f"{name}.transposed", perm=[1, 0]
                )
                if table
                else self.weight(f"{name}.weight", weight_NK.T)
            )
            if not bias:
                return self.node("MatMul", [x, by_column], name=name)
            return self.node(
                "Add", [self.node("MatMul", [x, by_column], name=f"{name}.product"), bias], name=name
            )
        values, scales, zeros = self._blocks(table or f"{name}.weight", weight_NK, self.bits)
        inputs = [x, values, scales, zeros, "", bias]
        while not inputs[-1]:
            inputs.pop()
        sizes: dict[str, Any] = {"K": columns, "N": rows, "bits": self.bits, "block_size": BLOCK}
        return self.node(
            "MatMulNBits", inputs, name=name, domain=_FUSED, accuracy_level=_INT8_PRODUCTS, **sizes
        )

    def lookup(self, ids: str, name: str, table_NK: NDArray[np.float32], bits: Bits | None) -> str:
        """The rows `ids` of a table."""
        columns = table_NK.shape[1]
        if bits is None:
            return self.node("Gather", [self.weight(name, table_NK), ids], name=f"{name}.rows")
        values, scales, zeros = self._blocks(name, table_NK, bits)
        shape = self.weight("two_axes", np.array([0, -1]))
        flat = self.node("Reshape", [values, shape], name=f"{name}.flat")
        inputs = [flat, ids, scales, *([zeros] if zeros else [])]
        axes: dict[str, Any] = {"gather_axis": 0, "quantize_axis": 1, "bits": bits, "block_size": BLOCK}
        found = self.node("GatherBlockQuantized", inputs, name=f"{name}.rows", domain=_FUSED, **axes)
        if columns % BLOCK == 0:
            return found
        ends = [self.weight(f"{name}.{end}", np.array([at])) for end, at in (("first", 0), ("last", columns))]
        return self.node(
            "Slice", [found, *ends, self.weight("last_axis", np.array([-1]))], name=f"{name}.cut"
        )

    def _blocks(self, name: str, weight_NK: NDArray[np.float32], bits: Bits) -> tuple[str, str, str]:
        """Names of the values, the scales and the zero points, or "" where there are none."""
        if f"{name}.scales" not in self.weights:
            blocks = in_blocks(weight_NK, bits)
            self.weight(name, blocks.values)
            self.weight(f"{name}.scales", blocks.scales)
            if blocks.zero_points is not None:
                self.weight(f"{name}.zeros", blocks.zero_points)
        zeros = f"{name}.zeros"
        return name, f"{name}.scales", zeros if zeros in self.weights else ""


def _network(graph: _Graph, model: GPT2LMHeadModel) -> str:
    """The name of the logits."""
    network = model.transformer
    tokens = graph.lookup("input_ids", "wte", _array(network.wte.weight), graph.bits)
    positions_bits = None if graph.bits is None else 8  # few, and each is added to every token
    positions = graph.lookup("position_ids", "wpe", _array(network.wpe.weight), positions_bits)
    last_token, longest = _lengths(graph)
    normed, stream = _sum_and_norm(graph, tokens, positions, network.h[0].ln_1, "layers.0.attention.norm")
    for number, block in enumerate(network.h):
        name = f"layers.{number}"
        attended = _attention(graph, normed, block.attn, name, number, (last_token, longest))
        normed, stream = _sum_and_norm(graph, stream, attended, block.ln_2, f"{name}.feed_forward.norm")
        fed = _feed_forward(
            graph, normed, block.mlp, f"{name}.feed_forward", model.config.activation_function
        )
        last = number + 1 == len(network.h)
        following = network.ln_f if last else network.h[number + 1].ln_1
        norm_name = "norm" if last else f"layers.{number + 1}.attention.norm"
        normed, stream = _sum_and_norm(graph, stream, fed, following, norm_name)
    return _head(graph, model, normed)


def _lengths(graph: _Graph) -> tuple[str, str]:
    """Int32: the position of each row's last token (B,), and the tokens of the longest row ()."""
    from onnx import TensorProto

    one = graph.weight("one", np.array([1]))
    counts = graph.node("ReduceSum", ["attention_mask", one], name="row_tokens", keepdims=0)
    last = graph.node("Sub", [counts, one], name="last_token_int64")
    shape = graph.node("Shape", ["attention_mask"], name="mask_shape")
    longest = graph.node("Gather", [shape, graph.weight("second", np.array(1))], name="most_tokens_int64")
    return (
        graph.node("Cast", [last], name="last_token", to=TensorProto.INT32),
        graph.node("Cast", [longest], name="most_tokens", to=TensorProto.INT32),
    )


def _sum_and_norm(graph: _Graph, one: str, other: str, norm: Any, name: str) -> tuple[str, str]:
    """Normalised, and the sum itself."""
    scale, shift = (graph.weight(f"{name}.{end}", _array(getattr(norm, end))) for end in ("weight", "bias"))
    outputs = [name, "", "", f"{name}.sum"]
    graph.node(
        "SkipLayerNormalization",
        [one, other, scale, shift],
        name=name,
        outputs=outputs,
        domain=_FUSED,
        epsilon=norm.eps,
    )
    return name, outputs[-1]


def _attention(
    graph: _Graph, x: str, attention: Any, name: str, number: int, lengths: tuple[str, str]
) -> str:
    """Queries, keys and values of a token stand side by side, as GPT-2's own weight has them."""
    width = attention.head_dim
    ways = (3, attention.num_heads, width)
    filled_in = _filled_heads(_array(attention.c_attn.weight).T.reshape(*ways, -1))
    filled_bias = _filled_heads(_array(attention.c_attn.bias).reshape(*ways, 1))
    bias = graph.weight(f"{name}.attention.in.bias", filled_bias.reshape(-1))
    mixed_in = graph.product(x, f"{name}.attention.in", filled_in.reshape(filled_bias.size, -1), bias)
    past = [f"past_key_values.{number}.{part}" for part in ("key", "value")]
    present = [f"present.{number}.{part}" for part in ("key", "value")]
    heads = {"num_heads": attention.num_heads, "kv_num_heads": attention.num_heads}
    mixed = graph.node(
        "GroupQueryAttention",
        [mixed_in, "", "", *past, *lengths],
        name=f"{name}.attention",
        outputs=[f"{name}.attention", *present],
        domain=_FUSED,
        scale=width**-0.5,  # as torch does, whatever the config says of scaling by layer
        **heads,
    )
    out = attention.c_proj
    filled_out = _filled_heads(_array(out.weight).reshape(*ways[1:], -1)).reshape(-1, out.weight.shape[1])
    bias = graph.weight(f"{name}.attention.out.bias", _array(out.bias))
    return graph.product(mixed, f"{name}.attention.out", filled_out.T, bias)


def _filled_heads(weights: NDArray[np.float32]) -> NDArray[np.float32]:
    """With zeros behind each head, along the last axis but one, where the runtime's attention asks for a wider one."""
    lacking = -weights.shape[-2] % _HEAD_WIDTHS
    return np.pad(weights, [(0, 0)] * (weights.ndim - 2) + [(0, lacking), (0, 0)])


def _feed_forward(graph: _Graph, x: str, layer: Any, name: str, activation: str) -> str:
    if activation not in _ACTIVATIONS:
        raise UserError(
            f"its activation {activation!r:.40} cannot be exported",
            where="config.json",
            cure=f"Train a model with one of {', '.join(sorted(_ACTIVATIONS))}.",
        )
    operator, domain = _ACTIVATIONS[activation]
    inner = _linear(graph, x, layer.c_fc, f"{name}.in")
    active = graph.node(operator, [inner], name=f"{name}.active", domain=domain)
    return _linear(graph, active, layer.c_proj, f"{name}.out")


def _linear(graph: _Graph, x: str, layer: Any, name: str) -> str:
    """A Conv1D of transformers, whose weight is (K, N)."""
    bias = graph.weight(f"{name}.bias", _array(layer.bias))
    return graph.product(x, name, _array(layer.weight).T, bias)


def _head(graph: _Graph, model: GPT2LMHeadModel, x: str) -> str:
    """Of the last tokens only, where so asked: a prompt's other logits are a third of its work."""
    start = graph.node("Neg", [graph.weight(LAST_ONLY, np.array([0]))], name="first_kept")
    end = graph.weight("end", np.array([np.iinfo(np.int64).max]))
    kept = graph.node("Slice", [x, start, end, graph.weight("one", np.array([1]))], name="kept")
    tied = model.lm_head.weight is model.transformer.wte.weight
    return graph.product(kept, "logits", _array(model.lm_head.weight), table="wte" if tied else "")


def _inputs(model: GPT2LMHeadModel) -> list[Any]:
    from onnx import TensorProto, helper

    ids = [
        helper.make_tensor_value_info(name, TensorProto.INT64, ["batch", tokens])
        for name, tokens in (("input_ids", "new"), ("attention_mask", "total"), ("position_ids", "new"))
    ]
    kept = helper.make_tensor_value_info(LAST_ONLY, TensorProto.INT64, [1])
    return [*ids, *_cache(model, "past_key_values", "past"), kept]


def _outputs(model: GPT2LMHeadModel, logits: str) -> list[Any]:
    from onnx import TensorProto, helper

    shape = ["batch", "answered", model.config.vocab_size]
    return [
        helper.make_tensor_value_info(logits, TensorProto.FLOAT, shape),
        *_cache(model, "present", "kept"),
    ]


def _cache(model: GPT2LMHeadModel, prefix: str, tokens: str) -> list[Any]:
    from onnx import TensorProto, helper

    heads = model.config.n_head
    width = model.config.n_embd // heads
    shape = ["batch", heads, tokens, width + -width % _HEAD_WIDTHS]
    return [
        helper.make_tensor_value_info(f"{prefix}.{layer}.{part}", TensorProto.FLOAT, shape)
        for layer in range(model.config.n_layer)
        for part in ("key", "value")
    ]


def _array(weight: Any) -> NDArray[np.float32]:
    return weight.detach().float().numpy()
