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
    from collections.abc import Mapping, Sequence

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
class Gate:
    """What is known of one variant. failure: a full sentence, where its limit was missed."""

    verdict: GateVerdict
    failure: str | None


@dataclass(frozen=True)
class ExportReport:
    """Figures and verdict of one export.

    metrics: by full name, all finite: `export/<variant>/<figure>`.
    params: the conditions the figures hold under, by full name.
    predictions: one row per scored example, in the scoring set's order.
    digests: sha256 of each ONNX file by its path in the export folder.
    gates: by variant.
    """

    metrics: dict[str, float]
    params: dict[str, str]
    predictions: pd.DataFrame
    digests: dict[str, str]
    gates: dict[str, Gate]

    @property
    def failures(self) -> tuple[str, ...]:
        """One sentence for each limit that was missed."""
        return tuple(gate.failure for gate in self.gates.values() if gate.failure is not None)

    @property
    def verdict(self) -> GateVerdict:
        """Of all variants."""
        found = {gate.verdict for gate in self.gates.values()}
        order = (GateVerdict.FAILED, GateVerdict.HELD)
        return next((verdict for verdict in order if verdict in found), GateVerdict.PROVED)

    @property
    def passed(self) -> bool:
        return not self.failures

    def to_json(self) -> str:
        """Metrics, params and verdict, without the predictions."""
        content = {
            "passed": self.passed,
            "verdict": self.verdict,
            "verdicts": {name: gate.verdict for name, gate in self.gates.items()},
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


def gates(
    metrics: Mapping[str, float], exported: Sequence[Variant], *, task: ExportTask, options: ExportOptions
) -> dict[str, Gate]:
    """Of each variant; metrics: with `limit_p_values`."""
    return {variant.name: _gate(variant, metrics, task, options) for variant in exported}


def _gate(variant: Variant, metrics: Mapping[str, float], task: ExportTask, options: ExportOptions) -> Gate:
    failure = _failure(variant, metrics, task, options)
    return Gate(gate_verdict(failure, metrics.get(f"export/{variant.name}/limit_p_value")), failure)


def limit_p_values(
    predictions: pd.DataFrame, exported: Sequence[Variant], *, task: ExportTask, options: ExportOptions
) -> dict[str, float]:
    """The metric `export/<variant>/limit_p_value` of each variant whose quality has a limit: non-inferiority."""
    limited = [variant for variant in exported if variant.limit == "quality"]
    return {
        f"export/{variant.name}/limit_p_value": task.limit_p(variant, predictions, options)
        for variant in limited
    }


def gate_verdict(failure: str | None, p: float | None) -> GateVerdict:
    """p: against a loss of the limit or more; none where the limit is of what is measured itself."""
    if failure is not None:
        return GateVerdict.FAILED
    return GateVerdict.PROVED if p is None or p < ALPHA else GateVerdict.HELD


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
