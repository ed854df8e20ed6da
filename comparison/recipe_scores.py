"""Recipes held against one another by the scores of their seeds.

Legend: S seeds, N rows.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from comparison.results import Figure
from scoring.seeds import SeedDifference, row_error, seed_difference, superiority
from scoring.verdict import Judgement, judged_together, recipes_verdict

if TYPE_CHECKING:
    from comparison.answers import Answers


@dataclass(frozen=True)
class SeedScores:
    """Of one recipe. seeds: (S,); answers: (S,), of one length each and to the same rows as all others. left_out: the
    most rows that a seed of it answered and not all others did."""

    seeds: tuple[int, ...]
    answers: tuple[Answers, ...]
    left_out: int

    @property
    def scores(self) -> list[float]:
        return [score_of(one) for one in self.answers]

    @property
    def shares(self) -> NDArray[np.float64]:
        """(S, N) of which the mean over the rows is the score."""
        return np.stack([_shares(one) for one in self.answers])


@dataclass(frozen=True)
class JudgedRecipes:
    """Recipes a and b by their number, b held against a, corrected for all pairs; p: before that correction.

    better_share: P(B > A). unpaired: seeds that stand on one side only.
    """

    a: int
    b: int
    judgement: Judgement
    p: float | None
    paired: bool
    better_share: float
    unpaired: tuple[int, ...]


def mean_figure(scores: Sequence[float]) -> Figure:
    """The mean over the seeds with Student's interval; without one of a single seed."""
    from scipy.special import stdtrit

    mean, count = float(np.mean(scores)), len(scores)
    if count < 2:
        return Figure(mean, None, None)
    reach = float(stdtrit(count - 1, 0.975) * np.std(scores, ddof=1) / math.sqrt(count))
    return Figure(mean, mean - reach, mean + reach)


def score_of(answers: Answers) -> float:
    """The task's metric on these rows."""
    if answers.classes is not None:
        return float(answers.classes.right.mean())
    return float(answers.losses_N.sum() / math.log(2) / answers.sizes_N.sum())


def _shares(answers: Answers) -> NDArray[np.float64]:
    if answers.classes is not None:
        return answers.classes.right.astype(np.float64)
    return answers.losses_N / (math.log(2) * answers.sizes_N.mean())


def judged_recipes(
    sides: Sequence[SeedScores], *, greater_is_better: bool, margin: float, deviation: float | None
) -> list[JudgedRecipes]:
    """Each with each. deviation: what a seed alone does elsewhere in the experiment, where that is known: how many
    seeds would tell, of a side that has one, follows from it."""
    pairs = list(combinations(range(len(sides)), 2))
    found = [_judged(sides[a], sides[b], greater_is_better, margin, deviation) for a, b in pairs]
    together = judged_together([judgement for judgement, _, _ in found])
    return [
        JudgedRecipes(a, b, judgement, alone.p_differs, difference.paired, share, difference.unpaired)
        for (a, b), judgement, (alone, difference, share) in zip(pairs, together, found, strict=True)
    ]


def _judged(
    a: SeedScores, b: SeedScores, greater: bool, margin: float, deviation: float | None
) -> tuple[Judgement, SeedDifference, float]:
    sign = 1 if greater else -1
    ours, theirs = [sign * score for score in a.scores], [sign * score for score in b.scores]
    found = seed_difference(ours, theirs, a.seeds, b.seeds)
    error = row_error(a.shares, b.shares, paired=found.paired)
    found = replace(found, row_error=error)
    judgement = recipes_verdict(ours, theirs, a.seeds, b.seeds, margin, error)
    if found.seeds == 1:
        judgement = replace(judgement, would_tell=_seeds_needed(found, deviation, margin))
    if not greater:
        judgement = replace(
            judgement,
            difference=-judgement.difference,
            low=None if judgement.high is None else -judgement.high,
            high=None if judgement.low is None else -judgement.low,
            lower_is_better=True,
        )
    return judgement, found, superiority(ours, theirs, paired=found.paired).share


def _seeds_needed(found: SeedDifference, deviation: float | None, margin: float) -> int | None:
    if not deviation:
        return None
    return replace(found, paired=False, seeds=2, variance=2 * deviation**2, degrees=2.0).needed(margin)
