"""What the variants of one export are made from, each read or worked out once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from export.original import MODEL_FILE, Original
from export.quantizing.calibration import Calibration, calibrated
from export.quantizing.prepared import Bytes

if TYPE_CHECKING:
    from onnx import ModelProto

_OF_A_CALL = (
    0.8  # strength of smoothing where the activations of a call share a scale; see `classifier_files`
)


@dataclass(frozen=True)
class Materials:
    """original: the trained model. folder: of the exports, `fp32` first. calibration_ids: texts of train."""

    original: Original
    folder: Path
    calibration_ids: Sequence[Sequence[int]]

    @property
    def fp32(self) -> Path:
        return self.folder / "fp32"

    @cached_property
    def graph(self) -> ModelProto:
        """The float32 ONNX model."""
        import onnx

        return onnx.load(self.fp32 / MODEL_FILE, load_external_data=False)

    @cached_property
    def calibration(self) -> Calibration:
        return calibrated(
            self.graph, self.fp32 / MODEL_FILE, (np.array([ids], np.int64) for ids in self.calibration_ids)
        )

    @cached_property
    def bytes_of_a_call(self) -> Bytes:
        """The INT8 weights of the variants whose activations share a scale."""
        return Bytes(self.graph, self.calibration, _OF_A_CALL)
