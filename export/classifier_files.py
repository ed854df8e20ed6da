"""A classifier's file with whole-number weights, beside the config and the tokenizer of its float32 export.

The strengths of smoothing are among those whose logits lay nearest to float32's on 900 sentences of SST-2's train split
that the calibration had not seen.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from export.original import MODEL_FILE
from export.quantizing.graph import Recipe, products_of, rewritten, tables_of
from export.quantizing.prepared import Bytes, Halves
from export.quantizing.recipes import Dynamic, FourBit, Rows, Static

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from export.materials import Materials

_OF_A_CALL, _OF_A_TOKEN = 0.8, 0.6  # where activations share a scale, and where each token has its own
_BLOCK = 32  # the one whose answers do not depend on the batch, of 32, 64 and 128


def dynamic(materials: Materials) -> Recipe:
    return Dynamic(Bytes(materials.graph, materials.calibration, _OF_A_CALL))


def rows(materials: Materials) -> Recipe:
    return Rows(Bytes(materials.graph, materials.calibration, _OF_A_TOKEN))


def static(materials: Materials) -> Recipe:
    return Static(Bytes(materials.graph, materials.calibration, _OF_A_CALL), materials.calibration)


def four_bit(materials: Materials) -> Recipe:
    return FourBit(Halves(materials.graph, materials.calibration, _BLOCK))


def not_in_blocks(materials: Materials) -> list[str]:
    """Names of what INT4 leaves in float32: products and tables whose width is no multiple of a block."""
    graph = materials.graph
    return [
        *(product.name for product in products_of(graph) if product.weight_KN.shape[0] % _BLOCK),
        *(table.name for table in tables_of(graph) if table.weight_VD.shape[1] % _BLOCK),
    ]


RECIPES: Mapping[str, Callable[[Materials], Recipe]] = {
    "int8": dynamic,
    "int8-rows": rows,
    "int8-static": static,
    "int4": four_bit,
}


def write_dynamic(materials: Materials, folder: Path) -> None:
    _write(materials, folder, dynamic(materials))


def write_rows(materials: Materials, folder: Path) -> None:
    _write(materials, folder, rows(materials))


def write_static(materials: Materials, folder: Path) -> None:
    _write(materials, folder, static(materials))


def write_four_bit(materials: Materials, folder: Path) -> None:
    _write(materials, folder, four_bit(materials), kept=not_in_blocks(materials))


def _write(materials: Materials, folder: Path, recipe: Recipe, kept: Collection[str] = ()) -> None:
    import onnx

    shutil.copytree(materials.fp32, folder, ignore=shutil.ignore_patterns("*.onnx"))
    onnx.save(rewritten(materials.graph, recipe, kept=kept), folder / MODEL_FILE)
