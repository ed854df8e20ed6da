"""Where among the rows a model is weak, or one model differs from another.

Shape legend: N rows.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from scoring.holm import holm
from scoring.intervals import wilson_interval
from scoring.paired import mcnemar_mid_p, paired_interval
from scoring.verdict import ALPHA

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Rows = NDArray[np.bool_]


@dataclass(frozen=True)
class SliceScore:
    """How a model answers the rows of a slice, held against all other rows.

    share: of right answers, with Wilson's 95 % interval; rest: of the other rows. p: two-sided, of no difference
    between the two, adjusted for all slices that were asked (Holm).
    """

    name: str
    rows: int
    share: float
    low: float
    high: float
    rest: float
    p: float

    @property
    def stands_out(self) -> bool:
        return self.p < ALPHA


@dataclass(frozen=True)
class SliceDifference:
    """How B differs from A on the rows of a slice.

    difference: B minus A as a share of the slice, with the 95 % interval of Bonett & Price; lost: rows that A alone
    answers right; won: B alone. p: of McNemar's mid-p test, adjusted for all slices that were asked (Holm).
    """

    name: str
    rows: int
    lost: int
    won: int
    difference: float
    low: float
    high: float
    p: float

    @property
    def stands_out(self) -> bool:
        return self.p < ALPHA


def slice_scores(right_N: Rows, masks: Mapping[str, Rows]) -> list[SliceScore]:
    """Each slice against the rest, the weakest first; a slice of no row, or of all, is left out. Slices may overlap."""
    found = [
        _score(name, right_N, mask_N) for name, mask_N in masks.items() if 0 < mask_N.sum() < len(mask_N)
    ]
    adjusted = zip(found, holm([each.p for each in found]), strict=True)
    # By the unadjusted p-value: what Holm makes of several may be equal.
    order = sorted(adjusted, key=lambda pair: _rank(pair[0].p, pair[0].share - pair[0].rest))
    return [replace(each, p=p) for each, p in order]


def slice_differences(right_a_N: Rows, right_b_N: Rows, masks: Mapping[str, Rows]) -> list[SliceDifference]:
    """Each slice, that on which B loses most surely first; a slice of no row is left out."""
    found = [
        _difference(name, right_a_N[mask], right_b_N[mask]) for name, mask in masks.items() if mask.any()
    ]
    adjusted = zip(found, holm([each.p for each in found]), strict=True)
    order = sorted(adjusted, key=lambda pair: _rank(pair[0].p, pair[0].difference))
    return [replace(each, p=p) for each, p in order]


def _rank(p: float, difference: float) -> float:
    """From surely worse to surely better."""
    return p if difference < 0 else 2 - p


def _score(name: str, right_N: Rows, mask_N: Rows) -> SliceScore:
    rows, hits, hits_all = int(mask_N.sum()), int(right_N[mask_N].sum()), int(right_N.sum())
    others = len(mask_N) - rows
    low, high = wilson_interval(hits, rows)
    p = fisher_mid_p(hits, rows, hits_all - hits, others)
    return SliceScore(name, rows, hits / rows, low, high, (hits_all - hits) / others, p)


def _difference(name: str, right_a: Rows, right_b: Rows) -> SliceDifference:
    rows, lost, won = len(right_a), int((right_a & ~right_b).sum()), int((~right_a & right_b).sum())
    low, high = paired_interval(lost, won, rows)
    return SliceDifference(name, rows, lost, won, (won - lost) / rows, low, high, mcnemar_mid_p(lost, won))


def fisher_mid_p(hits: int, rows: int, other_hits: int, other_rows: int) -> float:
    """Two-sided mid-p value that two independent shares are equal, given all hits: twice the smaller tail.

    Fisher's exact test with half the probability of the table at hand (Lancaster, JASA 56, 1961, 223-234).
    """
    from scipy.special import gammaln

    total = hits + other_hits
    possible = np.arange(max(0, total - other_rows), min(total, rows) + 1)
    cells = np.stack([possible, rows - possible, total - possible, other_rows - total + possible])
    logs = -gammaln(cells + 1).sum(0)
    chances = np.exp(logs - logs.max())
    chances /= chances.sum()
    below = float(chances[possible < hits].sum() + chances[possible == hits].sum() / 2)
    above = float(chances[possible > hits].sum() + chances[possible == hits].sum() / 2)
    return min(1.0, 2 * min(below, above))
