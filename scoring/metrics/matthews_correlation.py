"""Matthews correlation: the correlation of prediction and reference as class indicators."""

from __future__ import annotations

import warnings

import datasets
import evaluate
import numpy as np
from sklearn.metrics import matthews_corrcoef


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
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "A single label was found")  # that is 0, as said above
            return {"matthews_correlation": float(matthews_corrcoef(references, predictions))}
