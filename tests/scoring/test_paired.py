from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom, binomtest, multinomial, norm

from scoring.paired import (
    FEWEST_CHANGED,
    detectable_difference,
    detection_power,
    mcnemar_mid_p,
    not_worse_by,
    paired_interval,
    rows_needed,
    rows_needed_for_same,
    same_within,
)
from scoring.verdict import models_verdict

counts = st.integers(0, 60)


@given(counts, counts)
def test_mid_p_is_the_exact_test_with_half_the_counts_at_hand(lost: int, won: int) -> None:
    changed = lost + won
    exact = binomtest(lost, changed).pvalue if changed else 1.0
    at_hand = binom.pmf(lost, changed, 0.5)
    expected = 1.0 if lost == won else exact - at_hand
    assert mcnemar_mid_p(lost, won) == pytest.approx(expected)


@given(counts, counts, st.integers(120, 5000), st.floats(0, 0.2))
def test_the_other_way_round_is_the_mirror_image(lost: int, won: int, rows: int, margin: float) -> None:
    assert mcnemar_mid_p(lost, won) == mcnemar_mid_p(won, lost)
    assert same_within(lost, won, rows, margin) == same_within(won, lost, rows, margin)
    low, high = paired_interval(lost, won, rows)
    assert paired_interval(won, lost, rows) == pytest.approx((-high, -low))


@given(counts, counts, st.integers(120, 5000), st.floats(0.001, 0.2))
def test_more_rows_lost_are_less_proof_of_not_being_worse(
    lost: int, won: int, rows: int, margin: float
) -> None:
    p = not_worse_by(lost, won, rows, margin)
    assert p <= not_worse_by(lost + 1, won, rows, margin)
    assert p >= not_worse_by(lost, won + 1, rows, margin)
    assert p >= not_worse_by(lost, won, rows, margin + 0.01)


@given(counts, counts, st.integers(120, 5000))
def test_the_interval_holds_the_difference_and_grows_with_confidence(lost: int, won: int, rows: int) -> None:
    low, high = paired_interval(lost, won, rows)
    assert low <= (won - lost) / (rows + 2) <= high
    wider = paired_interval(lost, won, rows, confidence=0.99)
    assert wider[0] <= low <= high <= wider[1]


def test_a_published_example() -> None:
    """Airways of 21 children before and after a transplantation (Fagerland, Lydersen & Laake, Statistics in Medicine
    33, 2014, 2850-2875): 7 and 1 changed; Bonett-Price -0.508 to -0.013, Tango's lower end -0.517."""
    assert paired_interval(7, 1, 21) == pytest.approx((-0.508, -0.013), abs=5e-4)
    assert not_worse_by(7, 1, 21, 0.517) == pytest.approx(0.025, abs=5e-4)
    assert mcnemar_mid_p(7, 1) == pytest.approx(0.039, abs=5e-4)


def test_the_share_won_at_the_margin_is_the_likeliest() -> None:
    """Tango's statistic against a search for the likeliest multinomial on the margin."""
    lost, won, rows, margin = 11, 5, 400, 0.04
    shares = np.linspace(1e-6, 0.1, 200_001)
    kept = rows - lost - won
    fits = lost * np.log(shares + margin) + won * np.log(shares) + kept * np.log(1 - 2 * shares - margin)
    likeliest = shares[fits.argmax()]
    variance = rows * (2 * likeliest + margin - margin**2)
    expected = norm.cdf((lost - won - rows * margin) / math.sqrt(variance))
    assert not_worse_by(lost, won, rows, margin) == pytest.approx(expected, rel=1e-4)


def test_nothing_is_the_same_within_a_margin_of_nothing() -> None:
    assert same_within(0, 0, 25_000, 0.0) == 1.0
    assert not_worse_by(0, 0, 872, 0.0) == 1.0


def enumerated_power(rows: int, difference: float, disagreement: float) -> float:
    """Over every pair of counts, by the multinomial itself."""
    shares = [(disagreement - difference) / 2, (disagreement + difference) / 2, 1 - disagreement]
    return sum(
        float(multinomial.pmf([lost, won, rows - lost - won], rows, shares))
        for lost in range(rows + 1)
        for won in range(rows + 1 - lost)
        if lost + won >= FEWEST_CHANGED and mcnemar_mid_p(lost, won) <= 0.05
    )


@pytest.mark.parametrize(("difference", "disagreement"), [(0.0, 0.3), (0.15, 0.4), (0.1, 0.1), (-0.15, 0.4)])
def test_power_is_the_sum_over_every_outcome(difference: float, disagreement: float) -> None:
    assert detection_power(60, difference, disagreement) == pytest.approx(
        enumerated_power(60, difference, disagreement), abs=1e-9
    )


@pytest.mark.parametrize("disagreement", [0.0, 0.002, 0.008])
def test_models_that_hardly_differ_are_told_apart_as_often_as_the_verdict_does(disagreement: float) -> None:
    """Below ten changed rows there is no verdict, so they do not count as found."""
    least = detectable_difference(1000, disagreement)
    assert least > disagreement  # so all changed rows are won
    found = sum(
        float(binom.pmf(won, 1000, least)) for won in range(80) if models_verdict(0, won, 1000, 0.0).differs
    )
    assert found == pytest.approx(0.8, abs=1e-4)


@pytest.mark.parametrize(
    ("rows", "disagreement", "points"),
    [(872, 0.03, 1.61), (872, 0.06, 2.29), (872, 0.10, 2.98), (25_000, 0.03, 0.31), (25_000, 0.10, 0.56)],
)
def test_what_872_and_25000_rows_can_show(rows: int, disagreement: float, points: float) -> None:
    assert 100 * detectable_difference(rows, disagreement) == pytest.approx(points, abs=0.006)


@settings(deadline=None, max_examples=25)
@given(st.integers(30, 30_000), st.floats(0, 0.5))
def test_the_detectable_difference_is_found_with_its_power(rows: int, disagreement: float) -> None:
    least = detectable_difference(rows, disagreement)
    assert detection_power(rows, least, disagreement) >= 0.8
    assert detection_power(rows, least * 0.98, disagreement) < 0.8


@settings(deadline=None, max_examples=25)
@given(st.floats(0.002, 0.3), st.floats(0, 0.3))
def test_as_many_rows_as_needed_are_enough_and_few_less_are_not(
    difference: float, disagreement: float
) -> None:
    rows = rows_needed(difference, disagreement)
    assert rows is not None
    assert rows == rows_needed(-difference, disagreement)
    assert detection_power(rows, difference, disagreement) >= 0.8
    assert detection_power(int(0.8 * rows), difference, disagreement) < 0.8


def test_too_few_rows_show_nothing_and_no_number_shows_no_difference() -> None:
    assert detectable_difference(4, 0.5) == math.inf
    assert rows_needed(0.0, 0.1) is None
    assert rows_needed_for_same(0.02, 0.06, 0.01) is None


def test_rows_that_prove_the_same_do() -> None:
    generator = np.random.default_rng(3)
    for difference in (0.0, 0.004):
        rows = rows_needed_for_same(difference, 0.06, 0.01)
        assert rows is not None
        shares = [0.03 - difference / 2, 0.03 + difference / 2, 0.94]
        drawn = generator.multinomial(rows, shares, size=2000)
        proved = np.mean([same_within(int(lost), int(won), rows, 0.01) < 0.05 for lost, won, _ in drawn])
        assert proved == pytest.approx(0.8, abs=0.03)
