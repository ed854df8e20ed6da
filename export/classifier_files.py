"""A classifier's file with whole-number weights, beside the config and the tokenizer of its float32 export."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Collection
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from errors import UserError
from export.blocks import BLOCK
from export.original import MODEL_FILE
from export.quantizing.graph import Recipe, names_of, products_of, rewritten, tables_of
from export.quantizing.prepared import Halves
from export.quantizing.recipes import Dynamic, FourBit, Rows, Static

if TYPE_CHECKING:
    from onnx import ModelProto

    from export.materials import Materials
    from export.original import Original


class Plan(NamedTuple):
    """How a variant's graph is drawn from the float32 one; float32: names of nodes that stay as they are."""

    recipe: Recipe
    float32: frozenset[str]

    def drawn(self, graph: ModelProto, *, kept: Collection[str] = ()) -> ModelProto:
        """kept: names of further nodes that stay as they are."""
        return rewritten(graph, self.recipe, kept=self.float32.union(kept))


Planner = Callable[["Materials"], Plan]


def dynamic(materials: Materials) -> Plan:
    recipe = Dynamic(materials.bytes_of_a_call, Rows(materials.bytes_of_a_token))
    return Plan(recipe, _last(materials.graph))


def rows(materials: Materials) -> Plan:
    return Plan(Rows(materials.bytes_of_a_token), _last(materials.graph))


def static(materials: Materials) -> Plan:
    recipe = Static(materials.bytes_of_a_call, materials.calibration)
    return Plan(recipe, _last(materials.graph))


def four_bit(materials: Materials) -> Plan:
    halves = Halves(materials.graph, materials.calibration, BLOCK)
    return Plan(FourBit(halves), _last(materials.graph) | _not_in_blocks(materials.graph))


def write(planner: Planner, _: Original, materials: Materials, folder: Path) -> None:
    """UserError for a node to be left in float32 that the graph has not."""
    import onnx

    _check_nodes(materials)
    shutil.copytree(materials.fp32, folder, ignore=shutil.ignore_patterns("*.onnx"))
    drawn = planner(materials).drawn(materials.graph, kept=materials.float32_nodes)
    onnx.save(drawn, folder / MODEL_FILE)


def _check_nodes(materials: Materials) -> None:
    known = list(names_of(materials.graph))
    for name in materials.float32_nodes:
        if name not in known:
            raise UserError(
                f"{name!r:.80} is no product with weights and no table of embeddings of the model",
                where="export.float32_nodes",
                cure=f"`encore export ID --explain int8` lists them; {known[0]} is one.",
            )


def _last(graph: ModelProto) -> frozenset[str]:
    """The product that gives the logits: of a column for each class, it weighs nothing, and what it errs no later
    layer evens out."""
    outputs = {output.name for output in graph.graph.output}
    return frozenset(product.name for product in products_of(graph) if product.output in outputs)


def _not_in_blocks(graph: ModelProto) -> frozenset[str]:
    """Names of what INT4 leaves in float32: products and tables whose width is no multiple of a block."""
    return frozenset(
        [
            *(product.name for product in products_of(graph) if product.weight_KN.shape[0] % BLOCK),
            *(table.name for table in tables_of(graph) if table.weight_VD.shape[1] % BLOCK),
        ]
    )
