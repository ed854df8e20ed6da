"""Two models that answered the same rows, judged by the rows that one of them alone answers right.

`lost` counts the rows that A answers right and B wrong, `won` those that A answers wrong and B right; a difference
is B minus A, as a share of all rows, and the disagreement is (lost + won) / rows.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Whole = NDArray[np.int64]

FEWEST_CHANGED = 10
"""With fewer rows that one model alone answers right, neither is called better: p-values of a handful of rows turn on
each of them."""
_MOST_ROWS = 10**12
_MOST_COUNTS = 256  # numbers of changed rows over which a power is summed; their weights vary slowly
_TAIL = 7.0  # standard deviations of the binomial that are summed


def mcnemar_mid_p(lost: int, won: int) -> float:
    """Two-sided mid-p value that rows lost and won are equally likely; 1.0 where no row changed.

    The exact test of McNemar (Psychometrika 12, 1947) is too careful on few rows; half the probability of the counts
    at hand mends it (Fagerland, Lydersen & Laake, BMC Medical Research Methodology 13:91, 2013).
    """
    return float(_mid_p(np.array([min(lost, won)]), np.array([lost + won]))[0])


def paired_interval(lost: int, won: int, rows: int, confidence: float = 0.95) -> tuple[float, float]:
    """Interval of the difference, as shares: Wald's with a row added to each count (Bonett & Price 2012).

    Adjusted Wald intervals for a difference of binomial proportions based on paired data, Journal of Educational and
    Behavioral Statistics 37, 479-488.
    """
    from scipy.special import ndtri

    gone, come = (lost + 1) / (rows + 2), (won + 1) / (rows + 2)
    middle = come - gone
    error = math.sqrt((gone + come - middle**2) / (rows + 2))
    reach = float(ndtri(0.5 + confidence / 2)) * error
    return max(-1.0, middle - reach), min(1.0, middle + reach)


def not_worse_by(lost: int, won: int, rows: int, margin: float) -> float:
    """One-sided p-value against B being worse than A by `margin` (a share) or more.

    Score test with the disagreement that is likeliest at the margin (Tango, Statistics in Medicine 17, 1998, 891-908),
    whose size holds where few rows changed.
    """
    from scipy.special import ndtr

    linear = (2 * rows - lost + won) * margin - lost - won
    root = math.sqrt(linear**2 + 8 * rows * won * margin * (1 - margin))
    won_share = (root - linear) / (4 * rows)  # likeliest where lost exceeds won by the margin
    variance = rows * (2 * won_share + margin * (1 - margin))
    if variance <= 0:
        return float(lost - won >= rows * margin)
    return float(ndtr((lost - won - rows * margin) / math.sqrt(variance)))


def same_within(lost: int, won: int, rows: int, margin: float) -> float:
    """p-value of two one-sided tests against a difference of `margin` or more either way (Schuirmann 1987)."""
    if margin <= 0:
        return 1.0
    return max(not_worse_by(lost, won, rows, margin), not_worse_by(won, lost, rows, margin))


def detection_power(rows: int, difference: float, disagreement: float, alpha: float = 0.05) -> float:
    """Probability that the mid-p test finds a true `difference`, summed over the numbers of rows that may change.

    A difference cannot exceed the disagreement, so one that does stands for both. Fewer than `FEWEST_CHANGED` rows find
    nothing.
    """
    shown = max(abs(difference), disagreement)
    return _Test.of(rows, shown, alpha).power(abs(difference) / shown) if shown > 0 else 0.0


def detectable_difference(rows: int, disagreement: float, power: float = 0.8, alpha: float = 0.05) -> float:
    """The least true difference, as a share, that the mid-p test finds with `power`; infinite where none is found.

    Where even a disagreement in one direction alone is too small to be found, it is taken to grow with the difference.
    """
    if detection_power(rows, 1.0, 1.0, alpha) < power:
        return math.inf
    if disagreement > 0 and (test := _Test.of(rows, disagreement, alpha)).power(1.0) >= power:
        return disagreement * least(lambda one_sided: test.power(one_sided) >= power, 0.0, 1.0)
    return least(
        lambda all_one_way: detection_power(rows, all_one_way, 0.0, alpha) >= power, disagreement, 1.0
    )


def rows_needed(
    difference: float, disagreement: float, power: float = 0.8, alpha: float = 0.05
) -> int | None:
    """About how many rows, to one in a thousand, the mid-p test needs to find `difference` with `power`.

    None where no number is enough. The search begins at the normal approximation (Connor, Biometrics 43, 1987).
    """
    from scipy.special import ndtri

    if difference == 0:
        return None
    shown = max(abs(difference), disagreement)
    spread = math.sqrt(shown - difference**2)
    reach = float(ndtri(1 - alpha / 2)) * math.sqrt(shown) + float(ndtri(power)) * spread
    about = (reach / difference) ** 2
    if about > _MOST_ROWS:
        return None
    low, high = int(0.9 * about), math.ceil(1.1 * about) + 8
    while detection_power(high, difference, disagreement, alpha) < power:
        low, high = high, 2 * high
    return math.ceil(
        least(
            lambda rows: detection_power(math.ceil(rows), difference, disagreement, alpha) >= power,
            low,
            high,
            precision=max(1.0, about / 1000),
        )
    )


def rows_needed_for_same(
    difference: float, disagreement: float, margin: float, power: float = 0.8
) -> int | None:
    """About how many rows prove a true `difference` to lie within `margin` with `power`; none where it does not."""
    from scipy.special import ndtri

    room = margin - abs(difference)
    if room <= 0:
        return None
    missed = (
        (1 - power) / 2 if difference == 0 else 1 - power
    )  # at no difference either of the two tests may miss
    reach = float(ndtri(0.95) + ndtri(1 - missed))
    variance = max(disagreement, margin, abs(difference)) - difference**2
    return math.ceil(reach**2 * variance / room**2)


@dataclass(frozen=True)
class _Test:
    """The mid-p test at one level: how many rows may change, how likely that is, and what it rejects then.

    fewer: the largest count in the rarer direction that is significant, -1 for none. All arrays are of one length.
    """

    changed: Whole
    weights: Floats
    fewer: Whole

    @classmethod
    def of(cls, rows: int, disagreement: float, alpha: float) -> _Test:
        changed, weights = _changed_rows(rows, disagreement)
        return cls(changed, weights, _critical(changed, alpha))

    def power(self, one_sided: float) -> float:
        """one_sided: the difference over the disagreement, from 0 to 1."""
        from scipy.special import bdtr

        can = self.fewer >= 0
        found = np.zeros(len(self.changed))
        for likely in ((1 + one_sided) / 2, (1 - one_sided) / 2):
            found[can] += bdtr(self.fewer[can].astype(np.float64), self.changed[can], likely)
        return float(self.weights @ found)


def least(enough: Callable[[float], bool], low: float, high: float, precision: float = 1e-6) -> float:
    """Where `enough` begins to hold between `low` and `high`, at which it holds."""
    while high - low > precision:
        middle = (low + high) / 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high


def _mid_p(fewer: Whole, changed: Whole) -> Floats:
    """Of `fewer` rows changed in the rarer direction, of all `changed`."""
    from scipy.special import bdtr

    fewest = np.maximum(fewer, 1) - 1
    below = np.where(fewer > 0, bdtr(fewest.astype(np.float64), changed, 0.5), 0.0)
    return np.minimum(1.0, below + bdtr(fewer.astype(np.float64), changed, 0.5))


def _critical(changed: Whole, alpha: float) -> Whole:
    """For each number of changed rows the largest count in the rarer direction that is significant; -1 for none, as
    of fewer than `FEWEST_CHANGED`."""
    low, high = np.full(len(changed), -1), changed // 2 + 1
    while (high - low > 1).any():
        middle = np.maximum((low + high) // 2, 0)
        significant = _mid_p(middle, changed) <= alpha
        low, high = np.where(significant, middle, low), np.where(significant, high, middle)
    return np.where(changed < FEWEST_CHANGED, -1, low)


def _changed_rows(rows: int, disagreement: float) -> tuple[Whole, Floats]:
    """Numbers of rows that may change, and their probabilities; every n-th where they are very many."""
    from scipy.special import gammaln, xlog1py, xlogy

    middle, spread = rows * disagreement, math.sqrt(rows * disagreement * (1 - disagreement))
    low = max(0, math.floor(middle - _TAIL * spread - _TAIL))
    high = min(rows, math.ceil(middle + _TAIL * spread + _TAIL))
    step = (high - low) // _MOST_COUNTS * 2 + 1  # odd, so that even and odd numbers are among them
    changed = np.arange(low, high + 1, step)
    logs = xlog1py(rows - changed, -disagreement) + xlogy(changed, disagreement)
    logs -= gammaln(changed + 1) + gammaln(rows - changed + 1)
    weights = np.exp(logs - logs.max())
    return changed, weights / weights.sum()
