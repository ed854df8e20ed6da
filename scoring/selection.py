"""What the best of several configs is worth, when the rows that score it also chose it.

Shape legend: K configs, N rows, R resamples.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from scoring.bootstrap import times_drawn

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

_RESAMPLES = 1000


@dataclass(frozen=True)
class Selection:
    """The config that scores best on the rows that choose, and what that score says.

    best: its index. apparent: its score on those rows, which is too good, since chance helped it to be chosen.
    expected: the score on new rows of a config that is chosen so. bias: by how much apparent looks better than that,
    """

    best: int
    apparent: float
    expected: float
    bias: float


def selection(
    values: ArrayLike,
    denominators: ArrayLike | None = None,
    *,
    greater_is_better: bool = True,
    seed: int = 0,
) -> Selection:
    """From what every config scored on every row: values (K, N), say 1 for a right answer and 0 for a wrong one.

    A score is the mean of a config's values, or their sum over that of `denominators` (N,). The rows are drawn again
    with replacement; each draw chooses a config, which the rows that were not drawn then score. They had no part in
    the choice, so their score is free of its luck (Tsamardinos, Greasidou & Borboudakis, Machine Learning 107, 2018,
    1895-1922: bootstrap bias corrected cross-validation). A draw holds 63 % of the rows, so where configs differ the
    choice is a little worse than one by all of them, and so is `expected`.
    """
    values_NK = np.asarray(values, np.float64).T
    assert len(values_NK) > 1, "one row cannot both choose and score"
    below_N = np.ones(len(values_NK)) if denominators is None else np.asarray(denominators, np.float64)
    sign = 1.0 if greater_is_better else -1.0
    scores_K = values_NK.sum(0) / below_N.sum()
    best = int((sign * scores_K).argmax())
    gains = []
    for times_RN in times_drawn(len(values_NK), _RESAMPLES, seed):
        times_RN = times_RN[(times_RN == 0).any(1)]  # of few rows all may be drawn, and none is left to score
        chosen_R = (sign * (times_RN @ values_NK)).argmax(1)  # a draw's denominator is one for all configs
        left_RN = (times_RN == 0).astype(np.float64)
        outside_RK = left_RN @ values_NK / (left_RN @ below_N)[:, None]
        # Held against all configs on the same rows, which takes out what is due to those rows and to no choice.
        gains.append(outside_RK[np.arange(len(outside_RK)), chosen_R] - outside_RK.mean(1))
    expected, apparent = float(scores_K.mean() + np.concatenate(gains).mean()), float(scores_K[best])
    return Selection(best, apparent, expected, sign * (apparent - expected))
