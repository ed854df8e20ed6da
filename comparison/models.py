"""Models held against one another by their answers to the same rows.

Legend: K models, N rows.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from comparison.answers import Answers
from comparison.results import Figure, Flips, LossTest
from scoring.bootstrap import Resampled, resampled, resampled_together
from scoring.intervals import wilson_interval
from scoring.paired import FEWEST_CHANGED, mcnemar_mid_p, same_within
from scoring.verdict import (
    Judgement,
    judged_stories,
    judged_together,
    models_verdict,
)

if TYPE_CHECKING:
    from comparison.matching import Matched

_MOST_PAIRS_TOLD = 15  # of up to six models each pair is told, of more those with the best


@dataclass(frozen=True)
class JudgedPair:
    """Models a and b by their number, b held against a, corrected for all pairs; p: before that correction."""

    a: int
    b: int
    judgement: Judgement
    p: float | None
    loss: LossTest | None
    flips: Flips | None


def scores(matched: Matched) -> list[Figure]:
    """Of each model on the matched rows: Wilson's interval of a share, the bootstrap's (BCa) of bits per byte."""
    return [_score(answers) for answers in matched.answers]


def _score(answers: Answers) -> Figure:
    if answers.classes is None:
        found = resampled(answers.losses_N, math.log(2) * answers.sizes_N) if len(answers) > 1 else None
        value = float(answers.losses_N.sum() / math.log(2) / answers.sizes_N.sum())
        return Figure(value, None, None) if found is None else Figure(value, *found.interval())
    hits = int(answers.classes.right.sum())
    return Figure(hits / len(answers), *wilson_interval(hits, len(answers)))


def ranking(matched: Matched, found: Sequence[Figure]) -> list[int]:
    """Numbers of the models, best first; between equals the one with the lower loss."""
    sign = -1 if matched.answers[0].task.greater_is_better else 1
    losses = [float(answers.losses_N.mean()) for answers in matched.answers]
    return sorted(range(len(found)), key=lambda one: (sign * found[one].value, losses[one], one))


def judged_pairs(matched: Matched, best: int, margin: float) -> list[JudgedPair]:
    """Of up to six models each pair, in the order given; of more the best against each other.

    What a pair's p-values are corrected for (Holm) is every pair of the models: which one is best was seen on these
    very rows.
    """
    count = len(matched.answers)
    pairs = list(combinations(range(count), 2))
    told = pairs if len(pairs) <= _MOST_PAIRS_TOLD else [pair for pair in pairs if best in pair]
    labelled = matched.answers[0].classes is not None
    alone = (
        _of_classes(matched, pairs, told, margin) if labelled else _of_stories(matched, pairs, told, margin)
    )
    together = dict(zip(pairs, judged_together([alone[pair] for pair in pairs]), strict=True))
    losses = _loss_tests(matched, told) if labelled else {}
    return [
        JudgedPair(
            a,
            b,
            together[a, b],
            alone[a, b].p_differs,
            losses.get((a, b)),
            _flips(matched, a, b) if labelled else None,
        )
        for a, b in told
    ]


Pairs = Sequence[tuple[int, int]]


def _of_classes(
    matched: Matched, pairs: Pairs, told: Pairs, margin: float
) -> dict[tuple[int, int], Judgement]:
    """What a pair that is not told needs is its p-values alone; the rest takes a while."""
    right_KN = np.stack([_right(answers) for answers in matched.answers]).astype(np.float64)
    won_KK = np.rint((1 - right_KN) @ right_KN.T).astype(int)  # [a, b]: a wrong, b right
    found: dict[tuple[int, int], Judgement] = {}
    for a, b in pairs:
        lost, won = int(won_KK[b, a]), int(won_KK[a, b])
        one = (a, b) in told
        found[a, b] = (
            models_verdict(lost, won, matched.rows, margin)
            if one
            else _quick(lost, won, matched.rows, margin)
        )
    return found


def _quick(lost: int, won: int, rows: int, margin: float) -> Judgement:
    return Judgement(
        "models",
        (won - lost) / rows,
        None,
        None,
        p_differs=mcnemar_mid_p(lost, won) if lost + won >= FEWEST_CHANGED else None,
        p_same=same_within(lost, won, rows, margin),
        detectable=None,
        margin=margin,
        counted=rows,
        would_tell=None,
    )


def _right(answers: Answers) -> NDArray[np.bool_]:
    assert answers.classes is not None, "all models are of one task"
    return answers.classes.right


def _of_stories(
    matched: Matched, pairs: Pairs, told: Pairs, margin: float
) -> dict[tuple[int, int], Judgement]:
    """By the bootstrap over stories; a pair that is not told by the normal approximation of the same."""
    sizes_N = math.log(2) * matched.answers[0].sizes_N
    losses_KN = np.stack([answers.losses_N for answers in matched.answers])
    apart_NP = np.stack([losses_KN[b] - losses_KN[a] for a, b in told], axis=1)
    found = {
        pair: judged_stories(one, matched.rows, margin)
        for pair, one in zip(told, resampled_together(apart_NP, sizes_N), strict=True)
    }
    for a, b in pairs:
        if (a, b) not in found:
            found[a, b] = _normal(losses_KN[b] - losses_KN[a], sizes_N, found[told[0]], margin)
    return found


def _normal(
    apart_N: NDArray[np.float64], sizes_N: NDArray[np.float64], like: Judgement, margin: float
) -> Judgement:
    """The delta method's standard error of a ratio of sums."""
    from scipy.special import ndtr

    total, rows = sizes_N.sum(), len(sizes_N)
    value = float(apart_N.sum() / total)
    error = float(np.sqrt(((apart_N - value * sizes_N) ** 2).sum() * rows / (rows - 1)) / total)
    if not error:
        return replace(like, difference=value, p_differs=1.0, p_same=0.0)
    return replace(
        like,
        difference=value,
        p_differs=float(2 * ndtr(-abs(value) / error)),
        p_same=float(ndtr((abs(value) - margin) / error)),
    )


def _loss_tests(matched: Matched, told: Pairs) -> dict[tuple[int, int], LossTest]:
    """A paired test of the log loss of each row, which sees what no answer shows."""
    losses_KN = np.stack([answers.losses_N for answers in matched.answers])
    if matched.rows < 2:
        return {}
    apart_NP = np.stack([losses_KN[b] - losses_KN[a] for a, b in told], axis=1)
    return {pair: _loss_test(one) for pair, one in zip(told, resampled_together(apart_NP), strict=True)}


def _loss_test(found: Resampled) -> LossTest:
    return LossTest(Figure(found.estimate, *found.interval()), found.differs_from())


def _flips(matched: Matched, a: int, b: int) -> Flips:
    """Predictive churn (Milani Fard et al., NIPS 2016), and how far the probabilities moved."""
    one, other = matched.answers[a].classes, matched.answers[b].classes
    assert one is not None
    assert other is not None
    changed_N = one.predictions_N != other.predictions_N
    rows_N = np.arange(matched.rows)
    before_N = np.exp(one.log_probabilities[rows_N, one.predictions_N])
    moved_N = np.abs(np.exp(other.log_probabilities[rows_N, one.predictions_N]) - before_N)
    lost, won = int((one.right & ~other.right).sum()), int((~one.right & other.right).sum())
    return Flips(
        lost=lost,
        won=won,
        other=int(changed_N.sum()) - lost - won,
        churn=float(changed_N.mean()),
        moved_mean=float(moved_N.mean()),
        moved_p95=float(np.quantile(moved_N, 0.95)),
        moved_max=float(moved_N.max()),
    )
