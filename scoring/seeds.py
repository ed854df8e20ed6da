"""Two recipes, each trained with several seeds: scores of runs, higher is better, and a difference is B minus A.

Shape legend: S seeds of a side, N rows.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from errors import UserError
from scoring.paired import least

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

_MOST_SEEDS = 10_000
# Few seeds may lie close by chance, and the rows' part would then pass for all of the error, and for known: of equal
# recipes of two seeds one in nine would be called better. So the degrees of freedom are at most so many times the
# seeds' own, which holds 5 % from two seeds on.
_MOST_KNOWN = 3.0
_NO_ERROR = 1e-12  # scores are shares of rows: smaller is rounding


@dataclass(frozen=True)
class SeedDifference:
    """How far the means of two recipes lie apart, and how sure that is.

    seeds: pairs, or runs of the smaller side. variance: of a difference between single runs of the two, by their
    seeds. degrees: of freedom of that variance for each seed beyond the first. row_error: standard error that is due
    to the rows alone and that no further seed makes smaller. unpaired: the seeds that stand on one side only.
    """

    difference: float
    paired: bool
    seeds: int
    variance: float
    degrees: float
    row_error: float
    unpaired: tuple[int, ...]

    @property
    def tells(self) -> bool:
        """Whether anything is known of how runs of one recipe differ; one seed a side says nothing of it."""
        return self.seeds > 1 and self.error > _NO_ERROR

    @property
    def error(self) -> float:
        """Standard error of the difference."""
        return math.sqrt(self.variance / self.seeds + self.row_error**2)

    @property
    def freedom(self) -> float:
        """Degrees of freedom of the error (Satterthwaite 1946); the rows' part counts as known, within bounds."""
        return _freedom(self, self.seeds)

    def differs(self) -> float:
        """Two-sided p-value of the t test against no difference: paired by seed, or Welch's (Biometrika 34, 1947)."""
        from scipy.special import stdtr

        return float(2 * stdtr(self.freedom, -abs(self.difference) / self.error))

    def within(self, margin: float) -> float:
        """p-value of two one-sided t tests against a difference of `margin` or more either way (Schuirmann 1987)."""
        from scipy.special import stdtr

        return float(stdtr(self.freedom, (abs(self.difference) - margin) / self.error)) if margin > 0 else 1.0

    def interval(self, confidence: float = 0.95) -> tuple[float, float]:
        from scipy.special import stdtrit

        reach = float(stdtrit(self.freedom, 0.5 + confidence / 2)) * self.error
        return self.difference - reach, self.difference + reach

    def detectable(self, power: float = 0.8, alpha: float = 0.05) -> float:
        """The least true difference that the test finds with `power`, with as many seeds."""
        low, high = 0.0, self.error
        while _power(self, self.seeds, high, alpha) < power:
            low, high = high, 2 * high
        return least(lambda away: _power(self, self.seeds, away, alpha) >= power, low, high, 1e-6 * high)

    def needed(self, margin: float, power: float = 0.8) -> int | None:
        """Seeds a side that would tell, were the difference truly as large as it looks; none where no number would."""
        found = [
            _first(lambda seeds: _power(self, seeds, abs(self.difference), 0.05) >= power),
            _first(lambda seeds: _power_for_same(self, seeds, margin) >= power),
        ]
        return min((seeds for seeds in found if seeds is not None), default=None)


def seed_difference(
    a_scores: Sequence[float],
    b_scores: Sequence[float],
    seeds_a: Sequence[int],
    seeds_b: Sequence[int],
    row_error: float = 0.0,
) -> SeedDifference:
    """Paired where both sides have the same seeds, else all runs of one side against all of the other.

    Seeds that pair in part are not cut to those that do: that would throw runs away, and without pairing the error
    only comes out larger. Raises UserError where one side has a seed twice.
    """
    a, b = _by_seed(a_scores, seeds_a, "A"), _by_seed(b_scores, seeds_b, "B")
    difference = float(np.mean(list(b.values())) - np.mean(list(a.values())))
    if a.keys() == b.keys():
        apart_S = np.array([b[seed] - a[seed] for seed in a])
        return SeedDifference(difference, True, len(a), _variance(apart_S), 1.0, row_error, ())
    unpaired = tuple(sorted(a.keys() ^ b.keys()))
    seeds = min(len(a), len(b))
    parts = [seeds / len(side) * _variance(np.array(list(side.values()))) for side in (a, b)]
    degrees = _welch_degrees(parts, [len(a), len(b)]) / max(1, seeds - 1)
    return SeedDifference(difference, False, seeds, sum(parts), degrees, row_error, unpaired)


def row_error(
    right_a_SN: NDArray[np.bool_] | Floats, right_b_SN: NDArray[np.bool_] | Floats, *, paired: bool
) -> float:
    """Standard error of the difference that comes from the rows that were drawn, and that all seeds share.

    The component of rows in the two-way layout of seeds and rows, without their interaction, which the spread of the
    seeds holds already (Roe & Metz, Academic Radiology 4, 1997: several readers, several cases). One seed a side
    cannot be told from its interaction, so all of it counts.
    """
    a, b = right_a_SN.astype(np.float64), right_b_SN.astype(np.float64)
    apart_N = b.mean(0) - a.mean(0)
    within = [b - a] if paired else [a, b]
    noise = sum(float(side.var(0, ddof=1).mean()) / len(side) for side in within if len(side) > 1)
    return math.sqrt(max(0.0, float(apart_N.var(ddof=1)) - noise) / len(apart_N))


@dataclass(frozen=True)
class Superiority:
    """Probability that a run of B scores higher than one of A, with its interval; equal scores count half."""

    share: float
    low: float
    high: float


def superiority(a_scores: Sequence[float], b_scores: Sequence[float], *, paired: bool) -> Superiority:
    """P(B > A), as Bouthillier et al. (MLSys 2021) ask for it; paired: run by run in the order given.

    Its interval is Wilson's for pairs; else that of the Mann-Whitney statistic (Newcombe, Statistics in Medicine 25,
    2006, 559-573, method 5).
    """
    a, b = np.array(a_scores, np.float64), np.array(b_scores, np.float64)
    if paired:
        share = float(((b > a) + 0.5 * (b == a)).mean())
        return Superiority(share, *_bounds(share, lambda true: true * (1 - true) / len(a)))
    share = float(((b[:, None] > a) + 0.5 * (b[:, None] == a)).mean())
    middle = (len(a) + len(b)) / 2 - 1

    def variance(true: float) -> float:
        more = middle * ((1 - true) / (2 - true) + true / (1 + true))
        return true * (1 - true) * (1 + more) / (len(a) * len(b))

    return Superiority(share, *_bounds(share, variance))


def _bounds(share: float, variance: Callable[[float], float]) -> tuple[float, float]:
    """The true values that lie so far from `share` that it is at the edge of the likely: a score interval."""
    from scipy.special import ndtri

    reach = float(ndtri(0.975))
    ends = []
    for end in (0.0, 1.0):
        inside, outside = share, end
        for _ in range(50):
            middle = (inside + outside) / 2
            near = abs(middle - share) <= reach * math.sqrt(variance(middle))
            inside, outside = (middle, outside) if near else (inside, middle)
        ends.append(inside)
    return ends[0], ends[1]


def _by_seed(scores: Sequence[float], seeds: Sequence[int], side: str) -> dict[int, float]:
    twice = sorted({seed for seed in seeds if list(seeds).count(seed) > 1})
    if twice:
        raise UserError(
            f"side {side} has seed {twice[0]} twice",
            where="comparing recipes",
            cure="Name one run of each seed: two runs of one seed are no two answers to how seeds differ.",
        )
    return {seed: float(score) for seed, score in zip(seeds, scores, strict=True)}


def _variance(values_S: Floats) -> float:
    return float(values_S.var(ddof=1)) if len(values_S) > 1 else 0.0


def _welch_degrees(parts: Sequence[float], counts: Sequence[int]) -> float:
    below = sum(part**2 / (count - 1) for part, count in zip(parts, counts, strict=True) if count > 1)
    return sum(parts) ** 2 / below if below else 1.0


def _freedom(found: SeedDifference, seeds: int) -> float:
    by_seeds = found.variance / seeds
    known = (by_seeds + found.row_error**2) ** 2 / by_seeds**2 if by_seeds else math.inf
    return min(known, _MOST_KNOWN) * found.degrees * (seeds - 1)


def _power(found: SeedDifference, seeds: int, difference: float, alpha: float) -> float:
    """Of the two-sided t test, from the noncentral t distribution."""
    from scipy.special import nctdtr, ndtr, stdtrit

    freedom, error = _freedom(found, seeds), math.sqrt(found.variance / seeds + found.row_error**2)
    edge = float(stdtrit(freedom, 1 - alpha / 2))
    away = difference / error
    if freedom > 1e5:
        return float(ndtr(away - edge) + ndtr(-away - edge))
    return float(1 - nctdtr(freedom, away, edge) + nctdtr(freedom, away, -edge))


def _power_for_same(found: SeedDifference, seeds: int, margin: float) -> float:
    """Of both one-sided t tests at once; the error taken as known, which is near enough for a number of seeds."""
    from scipy.special import ndtr, stdtrit

    error = math.sqrt(found.variance / seeds + found.row_error**2)
    edge = float(stdtrit(_freedom(found, seeds), 0.95)) * error
    room, apart = margin - edge, abs(found.difference)
    return max(0.0, float(ndtr((room - apart) / error) - ndtr((-room - apart) / error)))


def _first(enough: Callable[[int], bool]) -> int | None:
    """The smallest number of seeds for which `enough` holds; it holds for every larger one."""
    low, high = 1, 2
    while not enough(high):
        low, high = high, 2 * high
        if high > _MOST_SEEDS:
            return None
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high
