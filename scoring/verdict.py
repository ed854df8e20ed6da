"""What may be said of two models, recipes or language models: four verdicts, and the numbers that each rests on."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Literal

from scoring.bootstrap import Resampled, resampled
from scoring.holm import holm
from scoring.paired import (
    FEWEST_CHANGED,
    detectable_difference,
    mcnemar_mid_p,
    paired_interval,
    rows_needed,
    rows_needed_for_same,
    same_within,
)
from scoring.seeds import seed_difference

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

ALPHA = 0.05

Subject = Literal["models", "recipes", "stories"]


class Verdict(StrEnum):
    """Of B, as held against A."""

    BETTER = "better"
    WORSE = "worse"
    SAME = "the same"
    """Within a margin; whatever difference there is, is smaller."""
    CANNOT_TELL = "cannot tell"


@dataclass(frozen=True)
class Judgement:
    """B held against A.

    difference: B minus A: a share of rows, a mean score of seeds, or bits per byte; low and high: its 95 % interval,
    none where there is no error to build one from. lower_is_better: for bits per byte.
    p_differs: of no difference; none where too little is known for a test. p_same: of a difference of `margin` or
    more; none likewise. Both are adjusted when several are judged together. detectable: the least true difference
    that is found in 80 of 100 such comparisons; none where none is. counted: the rows, pairs of seeds, seeds of the
    smaller side or stories that it rests on; needed: about how many would tell, were the difference truly as large as
    it looks; none where the verdict tells, or no number would.
    """

    subject: Subject
    difference: float
    low: float | None
    high: float | None
    p_differs: float | None
    p_same: float | None
    detectable: float | None
    margin: float
    counted: int
    would_tell: int | None
    lower_is_better: bool = False

    @property
    def verdict(self) -> Verdict:
        """A difference that is proved to be smaller than the margin is the same, even where it is no chance."""
        if self.p_same is not None and self.margin > 0 and self.p_same < ALPHA:
            return Verdict.SAME
        if not self.differs:
            return Verdict.CANNOT_TELL
        return Verdict.BETTER if (self.difference < 0) == self.lower_is_better else Verdict.WORSE

    @property
    def differs(self) -> bool:
        """Whether the difference, small or not, is more than chance."""
        return self.p_differs is not None and self.p_differs < ALPHA

    @property
    def needed(self) -> int | None:
        return self.would_tell if self.verdict is Verdict.CANNOT_TELL else None


def models_verdict(lost: int, won: int, rows: int, margin: float) -> Judgement:
    """Two models on the same rows. margin: a share of the rows, from 0; at 0 nothing is ever the same."""
    difference, disagreement = (won - lost) / rows, (lost + won) / rows
    low, high = paired_interval(lost, won, rows)
    least = detectable_difference(rows, disagreement)
    return Judgement(
        "models",
        difference,
        low,
        high,
        p_differs=mcnemar_mid_p(lost, won) if lost + won >= FEWEST_CHANGED else None,
        p_same=same_within(lost, won, rows, margin),
        detectable=least if math.isfinite(least) else None,
        margin=margin,
        counted=rows,
        would_tell=_rows_to_tell(difference, disagreement, margin, rows),
    )


def recipes_verdict(
    a_scores: Sequence[float],
    b_scores: Sequence[float],
    seeds_a: Sequence[int],
    seeds_b: Sequence[int],
    margin: float,
    row_error: float = 0.0,
) -> Judgement:
    """Two recipes by the scores of their seeds, higher is better. One seed on a side yields no verdict.

    row_error: of `scoring.seeds.row_error`; without it the verdict is on these rows alone, not on others like them.
    """
    found = seed_difference(a_scores, b_scores, seeds_a, seeds_b, row_error)
    if not found.tells:
        return Judgement("recipes", found.difference, None, None, None, None, None, margin, found.seeds, None)
    low, high = found.interval()
    return Judgement(
        "recipes",
        found.difference,
        low,
        high,
        p_differs=found.differs(),
        p_same=found.within(margin),
        detectable=found.detectable(),
        margin=margin,
        counted=found.seeds,
        would_tell=found.needed(margin),
    )


def stories_verdict(
    nll_a_N: Floats, nll_b_N: Floats, bytes_N: Floats, margin: float, *, seed: int = 0
) -> Judgement:
    """Two language models by the bits per byte of the same stories.

    nll: nats summed over the tokens of each story. bytes: of its UTF-8 text. margin: in bits per byte.
    """
    return judged_stories(
        resampled(nll_b_N - nll_a_N, math.log(2) * bytes_N, seed=seed), len(bytes_N), margin
    )


def judged_stories(found: Resampled, stories: int, margin: float) -> Judgement:
    """As `stories_verdict`, of a difference in bits per byte that was resampled together with others."""
    low, high = found.interval()
    return Judgement(
        "stories",
        found.estimate,
        low,
        high,
        p_differs=found.differs_from(),
        p_same=found.within(margin),
        detectable=_REACH * found.spread,
        margin=margin,
        counted=stories,
        would_tell=_stories_to_tell(found, margin, stories),
        lower_is_better=True,
    )


def judged_together(judgements: Sequence[Judgement]) -> list[Judgement]:
    """The same, with the p-values that hold for all that was asked (Holm): of differing, and of being the same."""
    differs = holm([1.0 if each.p_differs is None else each.p_differs for each in judgements])
    same = holm([1.0 if each.p_same is None else each.p_same for each in judgements])
    return [
        replace(
            each,
            p_differs=None if each.p_differs is None else of_differing,
            p_same=None if each.p_same is None else of_same,
        )
        for each, of_differing, of_same in zip(judgements, differs, same, strict=True)
    ]


_REACH = 1.959964 + 0.841621  # of a two-sided test at 5 % with a power of 80 %, in standard errors


def _rows_to_tell(difference: float, disagreement: float, margin: float, rows: int) -> int | None:
    """By whichever verdict is nearer, and more than there are."""
    found = [
        rows_needed(difference, disagreement),
        rows_needed_for_same(difference, disagreement, margin),
    ]
    return max(rows + 1, min(enough)) if (enough := [count for count in found if count is not None]) else None


def _stories_to_tell(found: Resampled, margin: float, stories: int) -> int | None:
    apart, room = abs(found.estimate), margin - abs(found.estimate)
    one = found.spread**2 * stories  # the variance of a single story's share
    counts = [(_REACH / apart) ** 2 * one] if apart else []
    counts += [((1.644854 + (1.281552 if not apart else 0.841621)) / room) ** 2 * one] if room > 0 else []
    return max(stories + 1, math.ceil(min(counts))) if counts else None
