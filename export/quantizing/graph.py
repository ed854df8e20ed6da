"""An ONNX graph's products with weights and its tables of embeddings, and the graph with these written in another way.

Shape legend: K inputs and N outputs of a product, V rows of a table, D its columns.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from onnx import ModelProto, NodeProto

OPSET = (
    21  # the first whose QuantizeLinear takes a scale for each row without a zero point that is a constant
)
_CONTRIBUTED = "com.microsoft"


@dataclass(frozen=True)
class Product:
    """One MatMul or Gemm of activations with a weight.

    name: of its node. activations: the name of the left operand, (..., K). bias: the name of a Gemm's; a MatMul has
    none, its bias is an Add behind it.
    """

    name: str
    activations: str
    weight_KN: NDArray[np.float32]
    bias: str | None
    output: str


@dataclass(frozen=True)
class Table:
    """One Gather of rows of a table of embeddings. indices, output: names."""

    name: str
    weight_VD: NDArray[np.float32]
    indices: str
    output: str


@dataclass
class Drawing:
    """The nodes of a new graph, in their order, and its constants."""

    nodes: list[NodeProto] = field(default_factory=list["NodeProto"])
    constants: dict[str, NDArray[np.generic]] = field(default_factory=dict[str, "NDArray[np.generic]"])

    def add(
        self,
        operator: str,
        inputs: Sequence[str],
        output: str,
        *,
        contributed: bool = False,
        **attributes: Any,
    ) -> str:
        """Append one node with one output; contributed: of onnxruntime's own operators. The output's name."""
        from onnx import helper

        domain = _CONTRIBUTED if contributed else ""
        self.nodes.append(
            helper.make_node(operator, list(inputs), [output], name=output, domain=domain, **attributes)
        )
        return output

    def split(self, joined: str, outputs: Mapping[str, int]) -> None:
        """Append the node that parts the last axis; outputs: their widths by name, in order."""
        from onnx import helper

        widths = self.constant(f"{joined}.widths", np.array(list(outputs.values()), np.int64))
        self.nodes.append(
            helper.make_node("Split", [joined, widths], list(outputs), name=f"{joined}.parts", axis=-1)
        )

    def constant(self, name: str, values: NDArray[np.generic]) -> str:
        """Keep `values` under `name`, which is given back."""
        self.constants[name] = values
        return name


class Recipe(Protocol):
    """How what is multiplied by weights, and what is looked up, is written again."""

    def products(self, drawing: Drawing, products: Sequence[Product]) -> None:
        """Draw products that share their activations."""
        ...

    def table(self, drawing: Drawing, table: Table) -> None: ...


def products_of(model: ModelProto) -> list[Product]:
    """Every product of two dimensions' weights, in the graph's order."""
    weights = _weights(model)
    return [_product(node, weights) for node in model.graph.node if _is_product(node, weights)]


def tables_of(model: ModelProto) -> list[Table]:
    weights = _weights(model)
    return [_table(node, weights) for node in model.graph.node if _is_table(node, weights)]


def rewritten(model: ModelProto, recipe: Recipe, *, kept: Collection[str] = ()) -> ModelProto:
    """A new model in which `recipe` has drawn every product and table but those of the nodes named in `kept`.

    Products of the same activations are handed over together. Constants that nothing reads any more are left out.
    """
    weights = _weights(model)
    groups = _groups(model, weights, kept)
    drawing = Drawing()
    for node in model.graph.node:
        if node.name in kept or not (_is_product(node, weights) or _is_table(node, weights)):
            drawing.nodes.append(node)
        elif _is_table(node, weights):
            recipe.table(drawing, _table(node, weights))
        elif (group := groups[node.input[0]]) and group[0].name == node.name:
            recipe.products(drawing, group)
    return _assembled(model, drawing)


def _groups(
    model: ModelProto, weights: Mapping[str, NDArray[np.float32]], kept: Collection[str]
) -> dict[str, list[Product]]:
    groups: dict[str, list[Product]] = {}
    for node in model.graph.node:
        if node.name not in kept and _is_product(node, weights):
            groups.setdefault(node.input[0], []).append(_product(node, weights))
    return groups


def _assembled(model: ModelProto, drawing: Drawing) -> ModelProto:
    from onnx import helper, numpy_helper

    read = {name for node in drawing.nodes for name in node.input}
    old = [entry for entry in model.graph.initializer if entry.name in read]
    new = [
        numpy_helper.from_array(values, name) for name, values in drawing.constants.items() if name in read
    ]
    graph = helper.make_graph(
        drawing.nodes, model.graph.name, model.graph.input, model.graph.output, [*old, *new]
    )
    opsets = [helper.make_opsetid("", OPSET), helper.make_opsetid(_CONTRIBUTED, 1)]
    return helper.make_model(
        graph, opset_imports=opsets, ir_version=max(model.ir_version, 10), producer_name="encore"
    )


def _weights(model: ModelProto) -> dict[str, NDArray[np.float32]]:
    """The constants of two dimensions, by name."""
    from onnx import TensorProto, numpy_helper

    return {
        entry.name: numpy_helper.to_array(entry)
        for entry in model.graph.initializer
        if len(entry.dims) == 2 and entry.data_type == TensorProto.FLOAT
    }


def _is_product(node: NodeProto, weights: Mapping[str, NDArray[np.float32]]) -> bool:
    return (
        node.op_type in {"MatMul", "Gemm"}
        and node.input[1] in weights
        and node.input[0] not in weights
        and not _attribute(node, "transA")
    )


def _is_table(node: NodeProto, weights: Mapping[str, NDArray[np.float32]]) -> bool:
    return node.op_type == "Gather" and node.input[0] in weights and not _attribute(node, "axis")


def _product(node: NodeProto, weights: Mapping[str, NDArray[np.float32]]) -> Product:
    weight = weights[node.input[1]]
    if _attribute(node, "transB"):
        weight = weight.T
    bias = node.input[2] if len(node.input) > 2 else None
    return Product(node.name, node.input[0], weight, bias, node.output[0])


def _table(node: NodeProto, weights: Mapping[str, NDArray[np.float32]]) -> Table:
    return Table(node.name, weights[node.input[0]], node.input[1], node.output[0])


def _attribute(node: NodeProto, name: str) -> int:
    return next((entry.i for entry in node.attribute if entry.name == name), 0)


def names_of(model: ModelProto) -> Iterator[str]:
    """The names of all nodes that a recipe would write again."""
    yield from (product.name for product in products_of(model))
    yield from (table.name for table in tables_of(model))
