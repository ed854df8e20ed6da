from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from scoring.slices import fisher_mid_p, slice_differences, slice_scores


def masks(rows: int) -> dict[str, np.ndarray]:
    """Fifths that share no row, and three slices that overlap them and one another."""
    generator = np.random.default_rng(7)
    fifths = generator.integers(0, 5, rows)
    overlapping = {name: generator.random(rows) < share for name, share in (("negation", 0.2), ("rare", 0.1))}
    return {f"fifth {k}": fifths == k for k in range(5)} | overlapping


def test_a_model_that_is_spoilt_on_one_slice_has_that_slice_first() -> None:
    generator, slices = np.random.default_rng(0), masks(872)
    for name, mask in slices.items():
        right = generator.random(872) < 0.9
        spoilt = right & ~(mask & (generator.random(872) < 0.3))
        first = slice_scores(spoilt, slices)[0]
        assert (first.name, first.stands_out) == (name, True)
        changed = slice_differences(right, spoilt, slices)[0]
        assert (changed.name, changed.stands_out, changed.won) == (name, True, 0)


def test_a_model_that_is_not_spoilt_has_no_slice_named() -> None:
    generator, slices = np.random.default_rng(1), masks(872)
    named = 0
    for _ in range(100):
        right = generator.random(872) < 0.9
        named += any(each.stands_out for each in slice_scores(right, slices))
    assert named <= 10  # 5 are expected at most


counts = st.integers(1, 40)


@given(counts, counts, st.data())
def test_fisher_is_that_of_scipy_with_half_the_table_at_hand(
    rows: int, others: int, data: st.DataObject
) -> None:
    hits, other_hits = data.draw(st.integers(0, rows)), data.draw(st.integers(0, others))
    table = [[hits, rows - hits], [other_hits, others - other_hits]]
    less, greater = (stats.fisher_exact(table, side).pvalue for side in ("less", "greater"))
    at_hand = less + greater - 1
    assert fisher_mid_p(hits, rows, other_hits, others) == pytest.approx(
        min(1.0, 2 * min(less, greater) - at_hand), abs=1e-9
    )


def test_a_slice_of_every_row_or_of_none_is_held_against_nothing() -> None:
    right = np.array([True, False] * 3)
    slices = {"all": np.ones(6, bool), "none": np.zeros(6, bool), "two": np.arange(6) < 2}
    assert [each.name for each in slice_scores(right, slices)] == ["two"]
    assert [each.name for each in slice_differences(right, ~right, slices)] == ["all", "two"]


def test_figures_of_a_slice() -> None:
    right = np.array([True] * 6 + [False] * 4 + [True] * 9 + [False])
    found = slice_scores(right, {"first half": np.arange(20) < 10})[0]
    interval = stats.binomtest(6, 10).proportion_ci(method="wilson")
    assert (found.rows, found.share, found.rest) == (10, 0.6, 0.9)
    assert (found.low, found.high) == pytest.approx((interval.low, interval.high))
