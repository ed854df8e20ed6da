"""What an export found, and the gate that its figures must pass."""

from __future__ import annotations

import json
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

from export.options import ExportOptions
from export.tasks import ExportTask
from export.variants import ORIGINAL, Variant
from scoring.verdict import ALPHA

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    import pandas as pd

REPORT_FILE = "report.json"
PREDICTIONS_FILE = "predictions.parquet"


class GateVerdict(StrEnum):
    """What is known of an export's quality, of which its limit allows so much to be lost."""

    PROVED = "proved"
    """That less is lost is more than chance, at 5 %."""
    HELD = "held, not proved"
    """No more is lost on the rows at hand, and others might lose more."""
    FAILED = "failed"
    """More is lost on the rows at hand, or FP32 is not what was trained."""


@dataclass(frozen=True)
class ExportReport:
    """Figures and verdict of one export.

    metrics: by full name, all finite: `export/<variant>/<figure>`.
    params: the conditions the figures hold under, by full name.
    predictions: one row per scored example, in the scoring set's order.
    digests: sha256 of each ONNX file by its path in the export folder.
    failures: one full sentence for each limit of the gate that was missed.
    verdict: of the gate.
    """

    metrics: dict[str, float]
    params: dict[str, str]
    predictions: pd.DataFrame
    digests: dict[str, str]
    failures: tuple[str, ...]
    verdict: GateVerdict

    @property
    def passed(self) -> bool:
        return not self.failures

    def to_json(self) -> str:
        """Metrics, params and verdict, without the predictions."""
        content = {
            "passed": self.passed,
            "verdict": self.verdict,
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


def gate(
    metrics: Mapping[str, float], exported: Sequence[Variant], *, task: ExportTask, options: ExportOptions
) -> tuple[str, ...]:
    """The sentences of all limits missed; empty if the gate holds."""
    found = [_failure(variant, metrics, task, options) for variant in exported]
    return tuple(sentence for sentence in found if sentence is not None)


def limit_p_values(
    predictions: pd.DataFrame, exported: Sequence[Variant], *, task: ExportTask, options: ExportOptions
) -> dict[str, float]:
    """The metric `export/<variant>/limit_p_value` of each variant whose quality has a limit: non-inferiority."""
    limited = [variant for variant in exported if variant.limit == "quality"]
    return {
        f"export/{variant.name}/limit_p_value": task.limit_p(variant, predictions, options)
        for variant in limited
    }


def gate_verdict(failures: Sequence[str], p_values: Collection[float]) -> GateVerdict:
    if failures:
        return GateVerdict.FAILED
    return GateVerdict.PROVED if all(p < ALPHA for p in p_values) else GateVerdict.HELD


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
