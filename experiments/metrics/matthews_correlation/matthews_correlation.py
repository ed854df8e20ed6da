"""Matthews correlation: the correlation of prediction and reference as class indicators."""

from __future__ import annotations

import datasets
import evaluate
import numpy as np


class MatthewsCorrelation(evaluate.Metric):
    """`compute(predictions=, references=)`, int64 labels, at least one → `{"matthews_correlation": -1..1}`.

    For any number of classes, by Gorodkin's R_K (Computational Biology and Chemistry 28, 2004, 367-374),
    which for two is Matthews' phi (1975). 0 where either side holds one class only: the correlation is
    then undefined, and to name one class always is worth nothing.
    """

    def _info(self) -> evaluate.MetricInfo:
        label = datasets.Value("int64")
        return evaluate.MetricInfo(
            description="Matthews correlation of predictions and references, two classes or more.",
            citation="",
            inputs_description="predictions, references: class indices, of one length.",
            features=datasets.Features({"predictions": label, "references": label}),
            format="numpy",
        )

    # `evaluate` calls this with the columns named in the features, by keyword.
    def _compute(  # pyright: ignore[reportIncompatibleMethodOverride]
        self, predictions: np.ndarray, references: np.ndarray
    ) -> dict[str, float]:
        classes = np.union1d(predictions, references)
        predicted = np.array([np.sum(predictions == label) for label in classes], dtype=np.float64)
        actual = np.array([np.sum(references == label) for label in classes], dtype=np.float64)
        count, hits = len(references), float(np.sum(predictions == references))
        spread = (count**2 - predicted @ predicted) * (count**2 - actual @ actual)
        covariance = hits * count - predicted @ actual
        return {"matthews_correlation": float(covariance / np.sqrt(spread)) if spread > 0 else 0.0}
