"""The forms of a kept model: what each is made from, how it is written, read and judged.

A new variant is a row here and the function that writes it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from export.classifier_files import Planner, dynamic, four_bit, rows, static, write
from export.gpt2_files import write_gpt2_int4, write_gpt2_int8
from export.onnx_files import write_fp32
from host.model_folder import WEIGHTS
from scoring.tasks import CLASSIFICATION, LANGUAGE_MODELLING

if TYPE_CHECKING:
    from export.materials import Materials
    from export.original import Original
    from scoring.task import TaskName

VariantName = Literal["torch", "fp32", "int8", "int8-rows", "int8-static", "int4"]
Limit = Literal["parity", "quality"]


@dataclass(frozen=True)
class Writing:
    """write: given the trained model and the materials of the export, writes a variant's folder.

    recipe: how its numbers are made. planner: how its graph is drawn, where single nodes can be left in float32.
    """

    write: Callable[[Original, Materials, Path], None]
    recipe: str
    planner: Planner | None = None


_ALL = _CLASSIFIER, _LANGUAGE_MODEL = CLASSIFICATION.name, LANGUAGE_MODELLING.name


@dataclass(frozen=True)
class Variant:
    """One form of a model.

    label: in a sentence. base: the variant that it is compared with; none for the model as it was trained.
    writers: by task, what writes its folder; empty for the original.
    limit: what the gate holds it to: its logits to those of the original, or its quality to its base's.
    """

    name: VariantName
    label: str
    base: VariantName | None = None
    writers: Mapping[TaskName, Writing] = field(default_factory=dict["TaskName", "Writing"])
    limit: Limit | None = None

    @property
    def is_exported(self) -> bool:
        return bool(self.writers)

    def weights(self, model: str, export: str) -> str:
        """The path of its weights, below the folder of the kept model or that of the exports."""
        return f"{export}/{self.name}/model.onnx" if self.is_exported else f"{model}/{WEIGHTS}"


_BLOCKS = (
    "weights and embeddings {} in blocks of 32 columns, activations int8 with a scale for each block of a row; "
    "attention stays float32"
)
_BYTES = (
    "weights int8 per column, embeddings int8 per row, activations {}; products of two activations and the last"
    " product stay float32"
)


def _drawn(planner: Planner, recipe: str) -> Writing:
    return Writing(partial(write, planner), recipe, planner)


ORIGINAL = Variant("torch", "PyTorch")
FP32 = Variant(
    "fp32", "FP32", "torch", dict.fromkeys(_ALL, Writing(write_fp32, "float32, as it was trained")), "parity"
)
DEPLOYED = Variant(
    "int8",
    "INT8",
    "fp32",
    {
        _CLASSIFIER: _drawn(
            dynamic,
            _BYTES.format(
                "uint8 with one scale a call, behind an activation function with one for each token, found at"
                " run time"
            ),
        ),
        _LANGUAGE_MODEL: Writing(write_gpt2_int8, _BLOCKS.format("int8 symmetric")),
    },
    "quality",
)
"""The one that people serve; tables show its figures."""
VARIANTS = (
    ORIGINAL,
    FP32,
    DEPLOYED,
    Variant(
        "int8-rows",
        "INT8 rows",
        "fp32",
        {_CLASSIFIER: _drawn(rows, _BYTES.format("8-bit with a scale for each token, found at run time"))},
        "quality",
    ),
    Variant(
        "int8-static",
        "INT8 static",
        "fp32",
        {_CLASSIFIER: _drawn(static, _BYTES.format("uint8 with a scale fixed beforehand on texts of train"))},
        "quality",
    ),
    Variant(
        "int4",
        "INT4",
        "fp32",
        {
            _CLASSIFIER: _drawn(four_bit, _BLOCKS.format("int4 symmetric")),
            _LANGUAGE_MODEL: Writing(write_gpt2_int4, _BLOCKS.format("int4 with zero points")),
        },
        "quality",
    ),
)
USUAL: tuple[VariantName, ...] = ("fp32", "int8")
"""What every run gets that asks for nothing else."""
BY_NAME = {variant.name: variant for variant in VARIANTS}
EXPORTED = tuple(variant for variant in VARIANTS if variant.is_exported)


def chosen(names: Collection[str], task: TaskName) -> tuple[Variant, ...]:
    """The exported variants of those names that the task has, and what they are compared with, in the table's order."""
    asked = {variant.name for variant in EXPORTED if variant.name in names and task in variant.writers}
    bases = {BY_NAME[name].base for name in asked}
    return tuple(variant for variant in EXPORTED if variant.name in asked | bases)
