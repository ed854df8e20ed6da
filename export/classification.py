"""Accuracy of a classifier's variants and how far their answers lie apart.

Shape legend: N examples, C classes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from export.options import ScoringSet
from export.scoring import OnProgress, Scores, Variant, side_by_side
from scoring.significance import mcnemar_test

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    Logits = NDArray[np.float32]


def score_classifier(
    variants: Sequence[Variant],
    scoring: ScoringSet,
    *,
    classes: int,
    workers: int,
    on_progress: OnProgress,
) -> Scores:
    """Score "torch", "fp32" and "int8" on every example; parity is measured against "torch"."""
    assert scoring.labels is not None
    logits = {variant.name: np.zeros((len(scoring.labels), classes), np.float32) for variant in variants}
    batches = side_by_side(
        variants, scoring.input_ids, logits_per_token=1, workers=workers, on_progress=on_progress
    )
    for indices, _, by_name in batches:
        for name, logits_BC in by_name.items():
            logits[name][indices] = logits_BC
    return Scores(_metrics(logits, scoring.labels), _predictions(logits, scoring.labels))


def _metrics(logits: Mapping[str, Logits], labels_N: NDArray[np.int64]) -> dict[str, float]:
    right = {name: logits_NC.argmax(axis=1) == labels_N for name, logits_NC in logits.items()}
    metrics = {f"export/{name}/accuracy": float(right_N.mean()) for name, right_N in right.items()}
    for name, base in (("fp32", "torch"), ("int8", "fp32")):
        drop = float(right[base].mean() - right[name].mean())
        metrics[f"export/{name}/accuracy_drop_points"] = 100 * drop
        metrics |= _parity(f"export/{name}", logits[name], logits["torch"])
    lost = int((right["fp32"] & ~right["int8"]).sum())
    won = int((~right["fp32"] & right["int8"]).sum())
    return metrics | {
        "export/int8/answers_lost": lost,
        "export/int8/answers_won": won,
        "export/int8/accuracy_drop_p_value": mcnemar_test(lost, won),
    }


def _parity(prefix: str, ours_NC: Logits, reference_NC: Logits) -> dict[str, float]:
    equal_N = ours_NC.argmax(axis=1) == reference_NC.argmax(axis=1)
    return {
        f"{prefix}/max_logit_difference": float(np.abs(ours_NC - reference_NC).max()),
        f"{prefix}/equal_predictions": float(equal_N.mean()),
        f"{prefix}/changed_answers": int((~equal_N).sum()),
    }


def _predictions(logits: Mapping[str, Logits], labels_N: NDArray[np.int64]) -> pd.DataFrame:
    """Columns index, label, then per variant its prediction and one logit per class."""
    import pandas as pd

    columns: dict[str, NDArray[np.generic]] = {"index": np.arange(len(labels_N)), "label": labels_N}
    for name, logits_NC in logits.items():
        columns[f"{name}_prediction"] = logits_NC.argmax(axis=1)
        columns |= {f"{name}_logit_{c}": logits_NC[:, c] for c in range(logits_NC.shape[1])}
    return pd.DataFrame(columns)
