"""The forms of a kept model: what each is made from, how it is written, read and judged.

A new variant is a row here and the function that writes it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from export.onnx_files import write_fp32, write_int8
from host.model_folder import WEIGHTS

if TYPE_CHECKING:
    from export.original import Original

VariantName = Literal["torch", "fp32", "int8"]
Limit = Literal["parity", "quality"]
_FP32_ROWS_PER_CALL = 8  # short enough to share a batch of 32 between threads


@dataclass(frozen=True)
class Variant:
    """One form of a model.

    label: in a sentence. base: the variant that it is compared with; none for the model as it was trained.
    write: given the original and the folder of its base, writes its own folder; none for the original.
    rows_per_call: at most so many rows are read at once; none: any number. It is 1 for INT8, which is so asked as a
    server of single texts asks: dynamic quantization scales activations over the batch, and its answer to a text
    depends on the others in the batch. limit: what the gate holds it to: its logits to those of the original, or its
    quality to its base's.
    """

    name: VariantName
    label: str
    base: VariantName | None = None
    write: Callable[[Original, Path, Path], None] | None = None
    rows_per_call: int | None = None
    limit: Limit | None = None

    @property
    def is_exported(self) -> bool:
        return self.write is not None

    def weights(self, model: str, export: str) -> str:
        """The path of its weights, below the folder of the kept model or that of the exports."""
        return f"{export}/{self.name}/model.onnx" if self.is_exported else f"{model}/{WEIGHTS}"


ORIGINAL = Variant("torch", "PyTorch")
DEPLOYED = Variant("int8", "INT8", base="fp32", write=write_int8, rows_per_call=1, limit="quality")
"""The one that people serve; tables show its figures."""
VARIANTS = (
    ORIGINAL,
    Variant("fp32", "FP32", "torch", write_fp32, _FP32_ROWS_PER_CALL, limit="parity"),
    DEPLOYED,
)
BY_NAME = {variant.name: variant for variant in VARIANTS}
EXPORTED = tuple(variant for variant in VARIANTS if variant.is_exported)
