"""How much runs of one recipe differ by their seed alone.

Shape legend: S seeds, N rows.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True)
class NoiseFloor:
    """Standard deviation of a recipe's scores by seed, with its 95 % interval; in the unit of the scores."""

    seeds: int
    deviation: float
    low: float
    high: float


def noise_floor(scores: Sequence[float], confidence: float = 0.95) -> NoiseFloor | None:
    """From at least two seeds, else none. The interval is that of a normal's variance, by the chi-squared distribution.

    With three seeds it reaches from half to six times the deviation: what is known of noise from few seeds is little.
    """
    from scipy.special import chdtri

    if len(scores) < 2:
        return None
    freedom, deviation = len(scores) - 1, float(np.std(scores, ddof=1))
    tail = (1 - confidence) / 2
    low, high = (deviation * math.sqrt(freedom / float(chdtri(freedom, at))) for at in (tail, 1 - tail))
    return NoiseFloor(len(scores), deviation, low, high)


def flip_rate(predictions_SN: NDArray[np.generic]) -> float:
    """Share of rows that two seeds answer otherwise, the mean over all pairs of seeds (churn: Milani Fard et al. 2016).

    predictions_SN: the label that each seed predicts for each row; at least two seeds.
    """
    pairs = list(combinations(predictions_SN, 2))
    assert pairs, "flips lie between two seeds"
    return float(np.mean([np.mean(one != other) for one, other in pairs]))
