"""A classifier's file with whole-number weights, beside the config and the tokenizer of its float32 export.

The strengths of smoothing are among those whose logits lay nearest to float32's on 900 sentences of SST-2's train split
that the calibration had not seen.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from export.blocks import BLOCK
from export.original import MODEL_FILE
from export.quantizing.graph import Recipe, products_of, rewritten, tables_of
from export.quantizing.prepared import Bytes, Halves
from export.quantizing.recipes import Dynamic, FourBit, Rows, Static

if TYPE_CHECKING:
    from collections.abc import Collection

    from onnx import ModelProto

    from export.materials import Materials

_OF_A_TOKEN = 0.6  # where each token has a scale of its own


def write_dynamic(materials: Materials, folder: Path) -> None:
    _write(materials, folder, Dynamic(materials.bytes_of_a_call))


def write_rows(materials: Materials, folder: Path) -> None:
    _write(materials, folder, Rows(Bytes(materials.graph, materials.calibration, _OF_A_TOKEN)))


def write_static(materials: Materials, folder: Path) -> None:
    _write(materials, folder, Static(materials.bytes_of_a_call, materials.calibration))


def write_four_bit(materials: Materials, folder: Path) -> None:
    halves = Halves(materials.graph, materials.calibration, BLOCK)
    _write(materials, folder, FourBit(halves), kept=_not_in_blocks(materials.graph))


def _not_in_blocks(graph: ModelProto) -> list[str]:
    """Names of what INT4 leaves in float32: products and tables whose width is no multiple of a block."""
    return [
        *(product.name for product in products_of(graph) if product.weight_KN.shape[0] % BLOCK),
        *(table.name for table in tables_of(graph) if table.weight_VD.shape[1] % BLOCK),
    ]


def _write(materials: Materials, folder: Path, recipe: Recipe, kept: Collection[str] = ()) -> None:
    import onnx

    shutil.copytree(materials.fp32, folder, ignore=shutil.ignore_patterns("*.onnx"))
    onnx.save(rewritten(materials.graph, recipe, kept=kept), folder / MODEL_FILE)
