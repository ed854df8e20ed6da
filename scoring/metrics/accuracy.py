"""Share of predictions that equal their reference."""

from __future__ import annotations

import datasets
import evaluate
import numpy as np
from sklearn.metrics import accuracy_score


class Accuracy(evaluate.Metric):
    """`compute(predictions=, references=)`, int64 labels, at least one → `{"accuracy": 0..1}`."""

    def _info(self) -> evaluate.MetricInfo:
        label = datasets.Value("int64")
        return evaluate.MetricInfo(
            description="Share of predictions that equal their reference.",
            citation="",
            inputs_description="predictions, references: class indices, of one length.",
            features=datasets.Features({"predictions": label, "references": label}),
            format="numpy",
        )

    # `evaluate` calls this with the columns named in the features, by keyword.
    def _compute(  # pyright: ignore[reportIncompatibleMethodOverride]
        self, predictions: np.ndarray, references: np.ndarray
    ) -> dict[str, float]:
        return {"accuracy": float(accuracy_score(references, predictions))}
