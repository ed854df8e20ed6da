"""What an export found, and the gate that its figures must pass."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from export.options import ExportOptions
from export.tasks import ExportTask
from export.variants import EXPORTED, ORIGINAL, Variant

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd

REPORT_FILE = "report.json"
PREDICTIONS_FILE = "predictions.parquet"


@dataclass(frozen=True)
class ExportReport:
    """Figures and verdict of one export.

    metrics: by full name, all finite: `export/<variant>/<figure>`.
    params: the conditions the figures hold under, by full name.
    predictions: one row per scored example, in the scoring set's order.
    digests: sha256 of each ONNX file by its path in the export folder.
    failures: one full sentence for each limit of the gate that was missed.
    """

    metrics: dict[str, float]
    params: dict[str, str]
    predictions: pd.DataFrame
    digests: dict[str, str]
    failures: tuple[str, ...]

    @property
    def passed(self) -> bool:
        return not self.failures

    def to_json(self) -> str:
        """Metrics, params and verdict, without the predictions."""
        content = {
            "passed": self.passed,
            "failures": list(self.failures),
            "metrics": self.metrics,
            "params": self.params,
            "digests": self.digests,
        }
        return json.dumps(content, indent=2, allow_nan=False) + "\n"

    def write(self, folder: Path) -> None:
        """Write report.json and predictions.parquet into `folder`."""
        (folder / REPORT_FILE).write_text(self.to_json(), encoding="utf-8")
        self.predictions.to_parquet(folder / PREDICTIONS_FILE, index=False)


def gate(metrics: Mapping[str, float], *, task: ExportTask, options: ExportOptions) -> tuple[str, ...]:
    """The sentences of all limits missed; empty if the export passes."""
    found = [_failure(variant, metrics, task, options) for variant in EXPORTED]
    return tuple(sentence for sentence in found if sentence is not None)


def _failure(
    variant: Variant, metrics: Mapping[str, float], task: ExportTask, options: ExportOptions
) -> str | None:
    match variant.limit:
        case "parity":
            return _parity_failure(variant, metrics, options)
        case "quality":
            return task.failure(variant, metrics, options)
        case None:
            return None


def _parity_failure(variant: Variant, metrics: Mapping[str, float], options: ExportOptions) -> str | None:
    difference = metrics[f"export/{variant.name}/max_logit_difference"]
    if difference <= options.max_parity_difference:
        return None
    return (
        f"The {variant.label} ONNX model's logits differ from {ORIGINAL.label}'s by up to {difference:.3g}"
        f" (limit {options.max_parity_difference:.3g})."
    )
