"""Whether a model's confidence is the share of its answers that are right.

Shape legend: N rows, G points of a curve, R resamples.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

_POINTS = 100
_RESAMPLES = 500
_BINS = 15


@dataclass(frozen=True)
class Null:
    """A figure, and what it would be were the model perfectly calibrated: mean and 95 % range, and how often it would
    be as large."""

    value: float
    mean: float
    low: float
    high: float
    p: float


@dataclass(frozen=True)
class Reliability:
    """The reliability diagram and score decomposition CORP (Dimitriadis, Gneiting & Jordan, PNAS 118(8), 2021).

    at, share: (G,) confidences, and the share that is right there by isotonic regression, straight between points.
    low, high: (G,) where 90 of 100 curves of a perfectly calibrated model lie at each point. brier: mean squared
    distance of confidence and being right; it is miscalibration - discrimination + uncertainty: what recalibration
    would gain, what confidence knows of which answers are right, and what nothing but their share would give.
    ece: expected calibration error over 15 bins of equal width (Guo et al. 2017); it is above 0 for every model, so it
    says something beside its null alone.
    """

    at: Floats
    share: Floats
    low: Floats
    high: Floats
    brier: float
    miscalibration: Null
    discrimination: float
    uncertainty: float
    ece: Null


def reliability(confidence: Floats, right: NDArray[np.bool_], *, seed: int = 0) -> Reliability:
    """confidence (N,): the probability that a model gives to its answer, 0 to 1; right (N,): whether it is."""
    order = np.argsort(confidence, kind="stable")
    confidence_N, right_N = confidence[order], right[order].astype(np.float64)
    group_N = np.unique(confidence_N, return_inverse=True)[1]
    points = np.unique(np.linspace(0, len(order) - 1, _POINTS).round().astype(np.int64))
    share_N = _isotonic(right_N, group_N)
    generator = np.random.Generator(np.random.PCG64(seed))
    curves, losses, errors = [], [], []
    for _ in range(_RESAMPLES):
        drawn_N = (generator.random(len(order)) < confidence_N).astype(np.float64)
        curve_N = _isotonic(drawn_N, group_N)
        curves.append(curve_N[points])
        losses.append(_brier(confidence_N, drawn_N) - _brier(curve_N, drawn_N))
        errors.append(_ece(confidence_N, drawn_N))
    low, high = np.quantile(np.array(curves), [0.05, 0.95], axis=0)
    brier, recalibrated = _brier(confidence_N, right_N), _brier(share_N, right_N)
    uncertainty = float(right_N.var())
    return Reliability(
        at=confidence_N[points],
        share=share_N[points],
        low=low,
        high=high,
        brier=brier,
        miscalibration=_null(brier - recalibrated, losses),
        discrimination=uncertainty - recalibrated,
        uncertainty=uncertainty,
        ece=_null(_ece(confidence_N, right_N), errors),
    )


def _isotonic(right_N: Floats, group_N: NDArray[np.int64]) -> Floats:
    """Least squares over the curves that never fall; rows of equal confidence (one group) have one value."""
    from scipy.optimize import isotonic_regression

    rows_M = np.bincount(group_N).astype(np.float64)
    means_M = np.bincount(group_N, right_N) / rows_M
    return np.asarray(isotonic_regression(means_M, weights=rows_M).x)[group_N]


def _brier(forecast_N: Floats, right_N: Floats) -> float:
    return float(((forecast_N - right_N) ** 2).mean())


def _ece(confidence_N: Floats, right_N: Floats) -> float:
    bins_N = np.minimum((confidence_N * _BINS).astype(np.int64), _BINS - 1)
    return float(np.abs(np.bincount(bins_N, confidence_N - right_N)).sum() / len(confidence_N))


def _null(value: float, null: list[float]) -> Null:
    low, high = np.quantile(null, [0.025, 0.975])
    as_large = (1 + sum(each >= value for each in null)) / (1 + len(null))
    return Null(value, float(np.mean(null)), float(low), float(high), as_large)
