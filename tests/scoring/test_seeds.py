from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from scipy.optimize import brentq

from errors import UserError
from scoring.seeds import row_error, seed_difference, superiority

A, B = [0.901, 0.912, 0.905, 0.899], [0.908, 0.913, 0.917, 0.902]


@pytest.mark.parametrize("seeds", [2, 3])
def test_few_seeds_that_lie_close_by_chance_are_no_proof(seeds: int) -> None:
    """Equal recipes that each know other rows: at most 6 of 100 are called better or worse."""
    generator, rows, told = np.random.default_rng(5), 872, 0
    for _ in range(1500):
        common = generator.random(rows) < 0.9
        right = common ^ (generator.random((2, 1, rows)) < 0.015)
        right = right ^ (generator.random((2, seeds, rows)) < 0.0075)
        right ^= (
            generator.random((2, seeds, rows)) < np.abs(generator.normal(0, 0.009, (2, seeds, 1)))
        ) & right
        a, b = right
        error = row_error(a, b, paired=True)
        told += seed_difference(a.mean(1), b.mean(1), range(seeds), range(seeds), error).differs() < 0.05
    assert told / 1500 < 0.06


def test_seeds_that_pair_are_tested_in_pairs() -> None:
    found = seed_difference(A, [B[2], B[3], B[0], B[1]], [1, 2, 3, 4], [3, 4, 1, 2])
    expected = stats.ttest_rel(B, A)
    assert found.paired
    assert found.differs() == pytest.approx(expected.pvalue)
    assert found.interval() == pytest.approx(tuple(expected.confidence_interval()))


def test_seeds_that_do_not_pair_are_named_and_none_is_left_out() -> None:
    found = seed_difference(A, B[:3], [1, 2, 3, 4], [3, 4, 7])
    expected = stats.ttest_ind(B[:3], A, equal_var=False)
    assert not found.paired
    assert found.unpaired == (1, 2, 7)
    assert found.differs() == pytest.approx(expected.pvalue)
    assert found.interval() == pytest.approx(tuple(expected.confidence_interval()))


def test_one_seed_twice_is_refused() -> None:
    with pytest.raises(UserError, match="side B has seed 3 twice"):
        seed_difference(A, B, [1, 2, 3, 4], [3, 3, 1, 2])


@pytest.mark.parametrize("rows_share", [0.0, 0.004])
def test_the_detectable_difference_is_found_as_often_as_said(rows_share: float) -> None:
    found = seed_difference(A, B, [1, 2, 3, 4], [1, 2, 3, 4], rows_share)
    least = found.detectable()
    reached = [stats.nct(found.freedom, least / found.error).sf(stats.t(found.freedom).isf(0.025))]
    reached += [stats.nct(found.freedom, least / found.error).cdf(-stats.t(found.freedom).isf(0.025))]
    assert sum(reached) == pytest.approx(0.8, abs=1e-3)


def test_what_the_rows_leave_open_no_seed_closes() -> None:
    alone = seed_difference(A, B, [1, 2, 3, 4], [1, 2, 3, 4])
    with_rows = seed_difference(A, B, [1, 2, 3, 4], [1, 2, 3, 4], 0.01)
    assert with_rows.error == pytest.approx(math.hypot(alone.error, 0.01))
    assert with_rows.freedom > alone.freedom
    assert with_rows.needed(0.0) is None
    assert alone.needed(0.0) is not None


@pytest.mark.parametrize("paired", [True, False])
def test_the_error_of_rows_is_that_of_the_rows_alone(paired: bool) -> None:
    """2,000 draws of 200 rows: recipes that disagree on a tenth of them, and seeds that each change a twentieth."""
    generator, rows, seeds = np.random.default_rng(0), 200, 4
    shape = (2000, rows)
    a = generator.random(shape) < 0.8
    b = a ^ (generator.random(shape) < 0.1)
    true = (b.mean(1) - a.mean(1)).std()
    flips = generator.random((2, seeds, *shape)) < 0.05
    squares = [
        row_error(a[k] ^ flips[0, :, k], b[k] ^ flips[1, :, k], paired=paired) ** 2 for k in range(shape[0])
    ]
    assert math.sqrt(np.mean(squares)) == pytest.approx(
        0.9 * true, rel=0.05
    )  # a flip hides a tenth of what differs


@given(
    st.lists(st.integers(0, 9), min_size=1, max_size=6), st.lists(st.integers(0, 9), min_size=1, max_size=6)
)
def test_superiority_counts_pairs_and_mirrors(a: list[int], b: list[int]) -> None:
    found, other = superiority(a, b, paired=False), superiority(b, a, paired=False)
    assert found.share == pytest.approx(stats.mannwhitneyu(b, a).statistic / len(a) / len(b))
    assert found.low <= found.share <= found.high
    assert (other.low, other.high) == pytest.approx((1 - found.high, 1 - found.low), abs=1e-9)


def test_superiority_of_pairs_has_the_interval_of_wilson() -> None:
    found = superiority([0] * 8, [1, 1, 1, 1, 1, 1, -1, -1], paired=True)
    expected = stats.binomtest(6, 8).proportion_ci(method="wilson")
    assert (found.share, found.low, found.high) == pytest.approx((0.75, expected.low, expected.high))


def test_superiority_of_runs_that_do_not_pair_has_the_interval_of_hanley_and_mcneil() -> None:
    """With as many runs a side, Newcombe's variance is theirs (Radiology 143, 1982, 29-36), at the true share."""
    a, b = [0.90, 0.91, 0.93, 0.92, 0.905], [0.915, 0.925, 0.94, 0.912, 0.935]
    found = superiority(a, b, paired=False)

    def beyond(true: float) -> float:
        one, other = true / (2 - true), 2 * true**2 / (1 + true)
        variance = (true * (1 - true) + 4 * (one - true**2) + 4 * (other - true**2)) / 25
        return (true - found.share) ** 2 - stats.norm.ppf(0.975) ** 2 * variance

    assert found.low == pytest.approx(brentq(beyond, 1e-9, found.share))
    assert found.high == pytest.approx(brentq(beyond, found.share, 1 - 1e-9))
