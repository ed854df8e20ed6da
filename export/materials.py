"""What the quantized variants of one export are made from, each read or worked out once."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from export.original import MODEL_FILE
from export.quantizing.calibration import Calibration, calibrated, one_sided
from export.quantizing.prepared import Bytes

if TYPE_CHECKING:
    from onnx import ModelProto

# Strengths of smoothing, where the activations of a call share a scale and where each token has its own. They are among
# those whose logits lay nearest to float32's on 900 sentences of SST-2's train split that the calibration had not seen.
_OF_A_CALL, _OF_A_TOKEN = 0.8, 0.6


@dataclass(frozen=True)
class Materials:
    """folder: of the exports, `fp32` first. calibration_ids: texts of train.

    float32_nodes: names of those that quantized variants leave as they are.
    """

    folder: Path
    calibration_ids: Sequence[Sequence[int]]
    float32_nodes: Collection[str] = ()

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
        """The INT8 weights of products whose activations share a scale."""
        return Bytes(self.graph, self.calibration, _OF_A_CALL)

    @cached_property
    def bytes_of_a_token(self) -> Bytes:
        """Those of products whose activations have a scale for each token."""
        return Bytes(self.graph, self.calibration, _OF_A_TOKEN, one_sided(self.calibration))
