"""How sure a mean or a ratio of sums over rows is, by drawing the rows again.

Shape legend: N rows, K quantities that are measured on the same rows, R resamples.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Floats = NDArray[np.float64]

_DRAWS = 100_000_000  # rows drawn in all, at most: 25,000 rows are drawn again 4,000 times, in about a second
_FEWEST_RESAMPLES, _MOST_RESAMPLES = 2_000, 10_000
_DRAWS_AT_ONCE = 1_000_000


@dataclass(frozen=True)
class Resampled:
    """An estimate and what it was on rows drawn again: BCa's view of how sure it is.

    Bias-corrected and accelerated (Efron, JASA 82, 1987, 171-185; DiCiccio & Efron, Statistical Science 11, 1996,
    189-228). bias and acceleration are its z0 and a; values: (R,), sorted. A bootstrap of N rows is narrower than the
    truth by the root of (N - 1) / N, and as sure as if the spread of rows were known: both are mended as for a t
    interval (Hesterberg, The American Statistician 69, 2015, 371-386: expanded percentiles).
    """

    estimate: float
    values: Floats
    bias: float
    acceleration: float
    rows: int

    def interval(self, confidence: float = 0.95) -> tuple[float, float]:
        """That holds the true value with `confidence`."""
        from scipy.special import ndtr, stdtrit

        levels = np.array([0.5 - confidence / 2, 0.5 + confidence / 2])
        tails = stdtrit(self.rows - 1, levels) * math.sqrt(self.rows / (self.rows - 1)) + self.bias
        low, high = np.quantile(self.values, ndtr(self.bias + tails / (1 - self.acceleration * tails)))
        return float(low), float(high)

    def below(self, value: float) -> float:
        """The one-sided p-value against a true value of `value` or more: the level at which an interval ends there.

        Beyond all resamples, where those say only that it is small, it is that of a t test: of many comparisons asked
        together (Holm) none could be claimed if every p-value had to be one that is counted in resamples.
        """
        from scipy.special import ndtri, stdtr

        if not self.spread:
            return float(self.estimate > value) if self.estimate != value else 0.5
        smallest = 0.5 / len(self.values)
        if value > self.values[-1]:
            return min(smallest, self._t_tail(value))
        if value < self.values[0]:
            return 1 - min(smallest, self._t_tail(value))
        under = np.searchsorted(self.values, value, "left") + np.searchsorted(self.values, value, "right")
        share = min(max(under / 2 / len(self.values), smallest), 1 - smallest)
        shifted = float(ndtri(share)) - self.bias
        tail = shifted / (1 + self.acceleration * shifted) - self.bias
        level = stdtr(self.rows - 1, tail * math.sqrt((self.rows - 1) / self.rows))
        return min(max(1 - float(level), smallest), 1 - smallest)

    def above(self, value: float) -> float:
        """The one-sided p-value against a true value of `value` or less."""
        if self.spread and value < self.values[0]:
            return min(0.5 / len(self.values), self._t_tail(value))  # 1 - 1e-20 would be 1
        return 1 - self.below(value)

    def _t_tail(self, value: float) -> float:
        """How likely a t test holds a deviation at least as large as that of `value`, to its side."""
        from scipy.special import stdtr

        away = abs(value - self.estimate) / self.spread * math.sqrt((self.rows - 1) / self.rows)
        return float(stdtr(self.rows - 1, -away))

    def differs_from(self, value: float = 0.0) -> float:
        """Two-sided p-value against a true value of `value`."""
        return min(1.0, 2 * min(self.below(value), self.above(value)))

    def within(self, margin: float) -> float:
        """p-value of two one-sided tests against a true value of `margin` or more either way (Schuirmann 1987)."""
        return max(self.below(margin), self.above(-margin)) if margin > 0 else 1.0

    @property
    def spread(self) -> float:
        """The standard error."""
        return float(self.values.std())


def resampled(numerators: ArrayLike, denominators: ArrayLike | None = None, *, seed: int = 0) -> Resampled:
    """One quantity: sum of `numerators` over that of `denominators`, both (N,); without the latter their mean."""
    return resampled_together(np.asarray(numerators, np.float64)[:, None], denominators, seed=seed)[0]


def resampled_together(
    numerators: ArrayLike, denominators: ArrayLike | None = None, *, seed: int = 0
) -> list[Resampled]:
    """K quantities on the same draws of the rows: numerators (N, K), denominators (N,) or (N, K), positive.

    As many resamples as a second or two allow, from 2,000 to 10,000. One that is the negative of another gets its
    mirror image, to the bit.
    """
    values_NK = np.asarray(numerators, np.float64)
    rows = len(values_NK)
    below_NK = np.ones(rows) if denominators is None else np.asarray(denominators, np.float64)
    below_NK = below_NK.reshape(rows, -1)  # one column, where it is that of all
    assert rows > 1, "one row says nothing of how rows differ"
    assert np.isfinite(values_NK).all()
    assert (below_NK > 0).all()
    resamples = int(np.clip(_DRAWS // rows, _FEWEST_RESAMPLES, _MOST_RESAMPLES))
    columns = np.column_stack([values_NK, below_NK])
    draws_RK = np.concatenate([times_RN @ columns for times_RN in times_drawn(rows, resamples, seed)])
    ratios_RK = draws_RK[:, : values_NK.shape[1]] / draws_RK[:, values_NK.shape[1] :]
    below_NK = np.broadcast_to(below_NK, values_NK.shape)
    return [_judged(values_NK[:, k], below_NK[:, k], ratios_RK[:, k]) for k in range(values_NK.shape[1])]


def times_drawn(rows: int, resamples: int, seed: int) -> Iterator[NDArray[np.float64]]:
    """How often each row is drawn, in `resamples` draws of all rows with replacement: blocks (R, N), a few MiB each."""
    generator, block = np.random.Generator(np.random.PCG64(seed)), max(1, _DRAWS_AT_ONCE // rows)
    for start in range(0, resamples, block):
        count = min(block, resamples - start)
        drawn = generator.integers(0, rows, (count, rows), dtype=np.int32)
        drawn += np.arange(count, dtype=np.int32)[:, None] * rows
        yield np.bincount(drawn.ravel(), minlength=count * rows).reshape(count, rows).astype(np.float64)


def _judged(values_N: Floats, below_N: Floats, ratios_R: Floats) -> Resampled:
    from scipy.special import ndtri

    total, weight = values_N.sum(), below_N.sum()
    estimate = float(total / weight)
    without_N = (total - values_N) / (weight - below_N)  # the jackknife, in closed form
    influence_N = without_N.mean() - without_N
    square = float((influence_N**2).sum())
    acceleration = float((influence_N**3).sum()) / (6 * square**1.5) if square else 0.0
    resamples = len(ratios_R)
    under = (np.count_nonzero(ratios_R < estimate) + np.count_nonzero(ratios_R <= estimate)) / 2
    share = min(max(under / resamples, 0.5 / resamples), 1 - 0.5 / resamples)
    return Resampled(estimate, np.sort(ratios_R), float(ndtri(share)), acceleration, len(values_N))
