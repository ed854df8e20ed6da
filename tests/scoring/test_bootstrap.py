from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from scoring.bootstrap import resampled, resampled_together


def skewed(rows: int = 300) -> np.ndarray:
    return np.random.default_rng(1).standard_gamma(0.5, rows) - 0.4


def test_a_mean_has_the_interval_of_scipy() -> None:
    values = skewed()
    expected = stats.bootstrap((values,), np.mean, n_resamples=10_000, rng=0).confidence_interval
    assert resampled(values).interval() == pytest.approx((expected.low, expected.high), rel=0.02)


def test_a_ratio_has_the_interval_of_scipy() -> None:
    values, sizes = skewed(), np.random.default_rng(2).integers(50, 900, 300)
    expected = stats.bootstrap(
        (values, sizes), lambda a, b, axis: a.sum(axis) / b.sum(axis), paired=True, n_resamples=10_000, rng=0
    ).confidence_interval
    assert resampled(values, sizes).interval() == pytest.approx((expected.low, expected.high), rel=0.02)


@pytest.mark.parametrize("confidence", [0.8, 0.95, 0.99])
def test_an_interval_ends_where_its_p_value_is_its_level(confidence: float) -> None:
    found = resampled(skewed())
    for end in found.interval(confidence):
        assert found.differs_from(end) == pytest.approx(1 - confidence, abs=2e-3)
    low, high = found.interval(confidence)
    assert found.below(high) == pytest.approx(0.5 - confidence / 2, abs=1e-3)
    assert found.below(low) == pytest.approx(0.5 + confidence / 2, abs=1e-3)


def test_p_values_are_near_those_of_the_t_test_where_values_are_normal() -> None:
    values = np.random.default_rng(5).normal(0.1, 1, 400)
    assert resampled(values).differs_from(0.0) == pytest.approx(stats.ttest_1samp(values, 0).pvalue, abs=0.03)
    assert resampled(values).below(0.2) == pytest.approx(
        stats.ttest_1samp(values, 0.2, alternative="less").pvalue, abs=0.01
    )


@pytest.mark.parametrize("side", [-1, 1])
def test_beyond_all_resamples_a_p_value_is_that_of_the_t_test(side: int) -> None:
    """Or of 60 runs, 1,770 pairs, none could ever be claimed."""
    values = side * np.random.default_rng(5).normal(1, 1, 150)
    expected = stats.ttest_1samp(values, 0)
    assert expected.pvalue < 1e-20
    found = resampled(values)
    assert np.log(found.differs_from(0.0)) == pytest.approx(np.log(expected.pvalue), rel=0.05)
    assert found.differs_from(found.values[0]) >= 1e-4
    assert min(found.below(0), found.above(0)) == found.differs_from(0.0) / 2


def test_the_same_within_a_margin_needs_both_sides() -> None:
    found = resampled(np.random.default_rng(6).normal(0.0, 1, 2_000))
    low, high = found.interval(0.9)
    assert found.within(max(-low, high) + 0.003) < 0.05 < found.within(max(-low, high) - 0.003)
    assert found.within(0.0) == 1.0


def test_several_quantities_are_drawn_as_each_is_alone() -> None:
    values = np.column_stack([skewed(), -skewed(), skewed()[::-1]])
    together = resampled_together(values, seed=4)
    for k, found in enumerate(together):
        assert found.interval() == pytest.approx(resampled(values[:, k], seed=4).interval(), rel=1e-9)
    assert together[1].interval() == pytest.approx([-end for end in together[0].interval()[::-1]], rel=1e-9)


def test_blocks_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = resampled(skewed()).interval()
    monkeypatch.setattr("scoring.bootstrap._DRAWS_AT_ONCE", 1_700)
    assert resampled(skewed()).interval() == pytest.approx(whole, rel=1e-12)


def test_rows_that_are_all_alike_leave_no_doubt() -> None:
    found = resampled(np.full(50, 0.25))
    assert found.interval() == (0.25, 0.25)
    assert found.differs_from(0.25) == 1.0
    assert found.differs_from(0.0) == 0.0


def test_of_few_rows_the_interval_is_nearly_that_of_the_t_test() -> None:
    values = np.random.default_rng(8).normal(0, 1, 12)
    found, expected = resampled(values), stats.ttest_1samp(values, 0).confidence_interval()
    low, high = found.interval()
    assert high - low == pytest.approx(expected.high - expected.low, rel=0.08)
    assert (found.below(high), found.below(low)) == pytest.approx((0.025, 0.975), abs=1e-3)
