"""The measurements of the statistics, small: that each measures what it says, and that gross errors show."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.statistics import findings, intervals, models, recipes
from benchmarks.statistics.rows import Row
from scoring.paired import detection_power, not_worse_by


def share(row: Row) -> float:
    return float(row.figure.removesuffix(" %")) / 100


def test_enumeration_by_scipy_agrees_with_the_power_that_is_told() -> None:
    lost, won = models.outcomes(300, 0.02, 0.06)
    chances = models.chances(lost, won, 300, 0.04, 0.08)
    assert chances.sum() == pytest.approx(1, abs=1e-6)
    found = (chances * models.differs(lost, won)).sum()
    assert found == pytest.approx(detection_power(300, 0.04, 0.08), abs=1e-6)


def test_the_gate_is_seldom_proved_at_its_limit() -> None:
    *drawn, worst = models.gate(2_000)
    assert all(share(row) <= 0.08 for row in drawn)
    assert worst.holds
    assert not_worse_by(0, 0, 872, models.LIMIT) < 0.05  # so it can be proved


def test_equal_recipes_are_seldom_told_apart_and_one_seed_never() -> None:
    assert [share(row) <= 0.12 for row in recipes.false_claims(150) if row.wanted] == [True] * 8
    assert recipes.one_seed(200).holds


def test_intervals_hold_the_truth() -> None:
    for row in [*intervals.of_shares(1_000), intervals.of_losses(250), intervals.of_stories(250, 200)]:
        assert 0.9 <= share(row) <= 0.99, row


def test_the_loss_of_an_export_at_its_limit_is_seldom_proved_below() -> None:
    assert share(intervals.gate_of_loss(250)) <= 0.1


def test_the_winner_of_equal_configs_looks_too_good_and_claims_nothing_of_it() -> None:
    looks, bias, without, claim = (
        float(row.figure.split()[0]) for row in findings.winners(60, 200, flipped=None)
    )
    assert looks == pytest.approx(3.9, abs=0.6)
    assert bias == pytest.approx(looks, abs=0.8)
    assert abs(without) < 0.8
    assert abs(claim) < 0.6


def test_slices_of_sentences() -> None:
    generator = np.random.default_rng(0)
    words = ["good", "bad", "not", "but", "fine", "film", "plot", "never", "actors", "slow"]
    texts = [" ".join(generator.choice(words, generator.integers(2, 30))) for _ in range(600)]
    first, changed, silent, agreed = findings.of_slices(texts, generator.integers(0, 2, 600), models=60)
    assert first.holds
    assert changed.holds
    assert min(share(silent), share(agreed)) >= 0.85


@pytest.mark.slow
def test_runs_in_their_tables_are_judged_as_their_counts() -> None:
    assert models.through_tables(2).holds
