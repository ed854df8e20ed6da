"""F1: harmonic mean of precision and recall (van Rijsbergen, Information Retrieval, 1979, chapter 7)."""

from __future__ import annotations

import datasets
import evaluate
import numpy as np
from sklearn.metrics import f1_score


class F1(evaluate.Metric):
    """`compute(predictions=, references=)`, int64 labels, at least one → `{"f1": 0..1}`.

    With no label beyond 0 and 1 it is the F1 of class 1, as GLUE reports it; else the unweighted mean
    over the classes that occur among predictions or references. A class never hit counts 0.
    """

    def _info(self) -> evaluate.MetricInfo:
        label = datasets.Value("int64")
        return evaluate.MetricInfo(
            description="F1 of class 1, or macro F1 where there are more than two classes.",
            citation="",
            inputs_description="predictions, references: class indices, of one length.",
            features=datasets.Features({"predictions": label, "references": label}),
            format="numpy",
        )

    # `evaluate` calls this with the columns named in the features, by keyword.
    def _compute(  # pyright: ignore[reportIncompatibleMethodOverride]
        self, predictions: np.ndarray, references: np.ndarray
    ) -> dict[str, float]:
        present = np.union1d(predictions, references)
        classes = [1] if set(present.tolist()) <= {0, 1} else present.tolist()
        found = f1_score(
            references,
            predictions,
            labels=classes,
            average="macro",
            zero_division=0.0,  # pyright: ignore[reportArgumentType]  the stub knows of the warning alone
        )
        return {"f1": float(found)}
