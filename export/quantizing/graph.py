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
    """One MatMul or Gemm of activations with a weight. A Gemm that scales what it multiplies or adds is none.

    name: of its node. activations: the name of the left operand, (..., K). bias_N: a Gemm's, or that of an Add that
    alone reads the product; output: with it.
    """

    name: str
    activations: str
    weight_KN: NDArray[np.float32]
    bias_N: NDArray[np.float32] | None
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
    constants = _Constants(model)
    return [constants.product(node) for node in model.graph.node if constants.is_product(node)]


def tables_of(model: ModelProto) -> list[Table]:
    constants = _Constants(model)
    return [constants.table(node) for node in model.graph.node if constants.is_table(node)]


def rewritten(model: ModelProto, recipe: Recipe, *, kept: Collection[str] = ()) -> ModelProto:
    """A new model in which `recipe` has drawn every product and table but those of the nodes named in `kept`.

    Products of the same activations are handed over together. Constants that nothing reads any more are left out.
    """
    constants = _Constants(model)
    groups = _groups(model, constants, kept)
    drawn_with_products = {id(add) for name, add in constants.biases.items() if name not in kept}
    drawing = Drawing()
    for node in model.graph.node:
        if node.name not in kept and constants.is_table(node):
            recipe.table(drawing, constants.table(node))
        elif node.name not in kept and constants.is_product(node):
            if (group := groups[node.input[0]])[0].name == node.name:
                recipe.products(drawing, group)
        elif id(node) not in drawn_with_products:
            drawing.nodes.append(node)
    return _assembled(model, drawing)


def _groups(model: ModelProto, constants: _Constants, kept: Collection[str]) -> dict[str, list[Product]]:
    groups: dict[str, list[Product]] = {}
    for node in model.graph.node:
        if node.name not in kept and constants.is_product(node):
            groups.setdefault(node.input[0], []).append(constants.product(node))
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


class _Constants:
    """What of a graph is constant, and what that makes of its nodes."""

    def __init__(self, model: ModelProto) -> None:
        from onnx import TensorProto, numpy_helper

        self._arrays = {
            entry.name: numpy_helper.to_array(entry)
            for entry in model.graph.initializer
            if len(entry.dims) in (1, 2) and entry.data_type == TensorProto.FLOAT
        }
        for node in model.graph.node:  # equal vectors are kept once, and read through an Identity
            vector = self._arrays.get(node.input[0]) if node.op_type == "Identity" else None
            if vector is not None and vector.ndim == 1:
                self._arrays[node.output[0]] = vector
        self.biases = self._found_biases(model)

    def is_product(self, node: NodeProto) -> bool:
        return (
            node.op_type in {"MatMul", "Gemm"}
            and self._is_matrix(node.input[1])
            and node.input[0] not in self._arrays
            and not _attribute(node, "transA")
            and not any(entry.name in {"alpha", "beta"} and entry.f != 1 for entry in node.attribute)
            and (len(node.input) < 3 or self._is_bias(node.input[2], node))
        )

    def _is_bias(self, name: str, product: NodeProto) -> bool:
        """Whether it is a number for each column of the product."""
        return name in self._arrays and self._arrays[name].shape == self._weight(product).shape[1:]

    def is_table(self, node: NodeProto) -> bool:
        return node.op_type == "Gather" and self._is_matrix(node.input[0]) and not _attribute(node, "axis")

    def product(self, node: NodeProto) -> Product:
        weight, add = self._weight(node), self.biases.get(node.name)
        if add is not None:
            return Product(node.name, node.input[0], weight, self._bias(add), add.output[0])
        bias = self._arrays[node.input[2]] if len(node.input) > 2 else None
        return Product(node.name, node.input[0], weight, bias, node.output[0])

    def table(self, node: NodeProto) -> Table:
        return Table(node.name, self._arrays[node.input[0]], node.input[1], node.output[0])

    def _found_biases(self, model: ModelProto) -> dict[str, NodeProto]:
        """The Add behind each product that has one, by the product's name."""
        products = {node.output[0]: node for node in model.graph.node if self.is_product(node)}
        outputs = {output.name for output in model.graph.output}
        readers: dict[str, list[NodeProto]] = {}
        for node in model.graph.node:
            for name in node.input:
                readers.setdefault(name, []).append(node)
        return {
            node.name: read[0]
            for name, node in products.items()
            if len(read := readers.get(name, [])) == 1
            and name not in outputs
            and len(node.input) == 2
            and read[0].op_type == "Add"
            and any(self._is_bias(name, node) for name in read[0].input)
        }

    def _weight(self, node: NodeProto) -> NDArray[np.float32]:
        weight = self._arrays[node.input[1]]
        return weight.T if _attribute(node, "transB") else weight

    def _bias(self, add: NodeProto) -> NDArray[np.float32]:
        return next(self._arrays[name] for name in add.input if name in self._arrays)

    def _is_matrix(self, name: str) -> bool:
        return name in self._arrays and self._arrays[name].ndim == 2


def _attribute(node: NodeProto, name: str) -> int:
    return next((entry.i for entry in node.attribute if entry.name == name), 0)


def names_of(model: ModelProto) -> Iterator[str]:
    """The names of all nodes that a recipe would write again."""
    yield from (product.name for product in products_of(model))
    yield from (table.name for table in tables_of(model))
