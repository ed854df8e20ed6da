"""Accuracy of a classifier's variants and how far their answers lie apart.

Shape legend: N examples, C classes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from export.options import ROUNDING, ExportOptions, ScoringSet
from export.scoring import LoadedVariant, Scores, alike_in_company, side_by_side
from export.variants import BY_NAME, ORIGINAL, Variant
from host.progress import OnProgress
from scoring.intervals import wilson_interval
from scoring.paired import mcnemar_mid_p, not_worse_by

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    Logits = NDArray[np.float32]


def score_classifier(
    variants: Sequence[LoadedVariant],
    scoring: ScoringSet,
    *,
    outputs: int,
    workers: int,
    on_progress: OnProgress,
) -> Scores:
    """Score every variant on every example; parity is measured against the original. outputs: classes."""
    assert scoring.labels is not None
    logits = {variant.name: np.zeros((len(scoring.labels), outputs), np.float32) for variant in variants}
    batches = side_by_side(
        variants, scoring.input_ids, logits_per_token=1, workers=workers, on_progress=on_progress
    )
    alike = dict.fromkeys(logits, 0)
    for indices, ids_BL, by_name in batches:
        for loaded in variants:
            logits[loaded.name][indices] = by_name[loaded.name]
            alike[loaded.name] += alike_in_company(loaded, ids_BL, by_name[loaded.name])
    rows = [loaded.variant for loaded in variants]
    metrics = _metrics(rows, logits, scoring.labels) | _company(rows, alike, len(scoring.labels))
    return Scores(metrics, _predictions(logits, scoring.labels))


def _company(variants: Sequence[Variant], alike: Mapping[str, int], rows: int) -> dict[str, float]:
    """How many rows answered in a batch as alone, to the bit; 1 where all did."""
    exported = [variant.name for variant in variants if variant.is_exported]
    return {f"export/{name}/rows_alike_in_company": alike[name] for name in exported} | {
        f"export/{name}/batch_invariant": float(alike[name] == rows) for name in exported
    }


def _metrics(
    variants: Sequence[Variant], logits: Mapping[str, Logits], labels_N: NDArray[np.int64]
) -> dict[str, float]:
    right = {name: logits_NC.argmax(axis=1) == labels_N for name, logits_NC in logits.items()}
    metrics: dict[str, float] = {}
    for name, right_N in right.items():
        low, high = wilson_interval(int(right_N.sum()), len(right_N))
        metrics |= {
            f"export/{name}/accuracy": float(right_N.mean()),
            f"export/{name}/accuracy_low": low,
            f"export/{name}/accuracy_high": high,
        }
    for name, base, limit in ((v.name, v.base, v.limit) for v in variants):
        if base is None:
            continue
        drop = float(right[base].mean() - right[name].mean())
        metrics[f"export/{name}/accuracy_drop_points"] = 100 * drop
        metrics |= _parity(f"export/{name}", logits[name], logits[ORIGINAL.name])
        if limit == "quality":
            lost, won = changes(right[base], right[name])
            metrics |= {
                f"export/{name}/answers_lost": lost,
                f"export/{name}/answers_won": won,
                f"export/{name}/accuracy_drop_p_value": mcnemar_mid_p(lost, won),
            }
    return metrics


def changes(base_N: NDArray[np.bool_], ours_N: NDArray[np.bool_]) -> tuple[int, int]:
    """How many right answers went, and how many came."""
    return int((base_N & ~ours_N).sum()), int((~base_N & ours_N).sum())


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


def accuracy_limit_p(variant: Variant, predictions: pd.DataFrame, options: ExportOptions) -> float:
    """One-sided p-value against an accuracy that falls by the limit or more."""
    labels_N = predictions["label"].to_numpy()
    base_N, ours_N = (
        predictions[f"{name}_prediction"].to_numpy() == labels_N for name in (variant.base, variant.name)
    )
    lost, won = changes(base_N, ours_N)
    return not_worse_by(lost, won, len(labels_N), options.asked.max_accuracy_drop)


def within_limit(drop: float, limit: float) -> bool:
    """Whether the gate lets an accuracy fall so much, both as shares."""
    return drop <= limit + ROUNDING


def accuracy_failure(variant: Variant, metrics: Mapping[str, float], options: ExportOptions) -> str | None:
    """The sentence for a variant whose accuracy lies too far below its base's; none where it does not."""
    assert variant.base is not None
    ours, base = f"export/{variant.name}", BY_NAME[variant.base]
    drop_points = metrics[f"{ours}/accuracy_drop_points"]
    if within_limit(drop_points / 100, options.asked.max_accuracy_drop):
        return None
    return (
        f"{variant.label} accuracy is {100 * metrics[f'{ours}/accuracy']:.2f} %, {drop_points:.2f} points below"
        f" {base.label}'s {100 * metrics[f'export/{base.name}/accuracy']:.2f} %"
        f" (limit {100 * options.asked.max_accuracy_drop:.2f}): {int(metrics[f'{ours}/answers_lost'])} answers lost,"
        f" {int(metrics[f'{ours}/answers_won'])} won"
        f" (mid-p of McNemar's test = {metrics[f'{ours}/accuracy_drop_p_value']:.2g})."
    )
