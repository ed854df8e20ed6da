"""What an export found, and the gate that its figures must pass."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from export.options import ExportOptions, Task

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd

REPORT_FILE = "report.json"
PREDICTIONS_FILE = "predictions.parquet"
_ROUNDING = 1e-9  # a drop of exactly the limit passes, also where 0.885 - 0.88 is not quite 0.005


@dataclass(frozen=True)
class ExportReport:
    """Figures and verdict of one export.

    metrics: by full name, all finite: `export/<variant>/<figure>` with variant torch, fp32 or int8.
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


def gate(metrics: Mapping[str, float], *, task: Task, options: ExportOptions) -> tuple[str, ...]:
    """The sentences of all limits missed; empty if the export passes."""
    quality = _accuracy_failure if task == "sequence-classification" else _loss_failure
    found = (_parity_failure(metrics, options), quality(metrics, options))
    return tuple(sentence for sentence in found if sentence is not None)


def _parity_failure(metrics: Mapping[str, float], options: ExportOptions) -> str | None:
    difference = metrics["export/fp32/max_logit_difference"]
    if difference <= options.max_parity_difference:
        return None
    return (
        f"The FP32 ONNX model's logits differ from PyTorch's by up to {difference:.3g}"
        f" (limit {options.max_parity_difference:.3g})."
    )


def _accuracy_failure(metrics: Mapping[str, float], options: ExportOptions) -> str | None:
    drop_points = metrics["export/int8/accuracy_drop_points"]
    if drop_points <= 100 * options.max_accuracy_drop + _ROUNDING:
        return None
    int8, fp32 = (100 * metrics[f"export/{name}/accuracy"] for name in ("int8", "fp32"))
    lost, won = (int(metrics[f"export/int8/answers_{fate}"]) for fate in ("lost", "won"))
    return (
        f"INT8 accuracy is {int8:.2f} %, {drop_points:.2f} points below FP32's {fp32:.2f} %"
        f" (limit {100 * options.max_accuracy_drop:.2f}): {lost} answers lost, {won} won"
        f" (sign test p = {metrics['export/int8/accuracy_drop_p_value']:.2g})."
    )


def _loss_failure(metrics: Mapping[str, float], options: ExportOptions) -> str | None:
    increase = metrics["export/int8/loss_increase"]
    if increase <= options.max_loss_increase + _ROUNDING:
        return None
    return (
        f"INT8 loss is {metrics['export/int8/loss']:.4f} nats/token, {increase:.4f} above"
        f" FP32's {metrics['export/fp32/loss']:.4f} (limit {options.max_loss_increase:.4f})."
    )
