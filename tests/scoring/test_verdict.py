from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import norm

from scoring.paired import FEWEST_CHANGED
from scoring.verdict import (
    Judgement,
    Verdict,
    judged_together,
    models_verdict,
    recipes_verdict,
    stories_verdict,
)

MIRROR = {
    Verdict.BETTER: Verdict.WORSE,
    Verdict.WORSE: Verdict.BETTER,
    Verdict.SAME: Verdict.SAME,
    Verdict.CANNOT_TELL: Verdict.CANNOT_TELL,
}


def assert_mirrored(one: Judgement, other: Judgement) -> None:
    assert one.verdict is MIRROR[other.verdict]
    assert one.difference == pytest.approx(-other.difference)
    assert one.p_differs == pytest.approx(other.p_differs)
    assert one.p_same == pytest.approx(other.p_same)
    if one.low is not None and one.high is not None:
        assert (other.low, other.high) == pytest.approx((-one.high, -one.low))


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 90), st.integers(0, 90), st.integers(200, 3000), st.sampled_from([0, 0.01, 0.05]))
def test_models_the_other_way_round(lost: int, won: int, rows: int, margin: float) -> None:
    judged = models_verdict(lost, won, rows, margin)
    assert_mirrored(judged, models_verdict(won, lost, rows, margin))
    assert (judged.needed is not None) <= (judged.verdict is Verdict.CANNOT_TELL)
    assert judged.needed is None or judged.needed > rows
    assert margin > 0 or judged.verdict is not Verdict.SAME
    if lost + won < FEWEST_CHANGED:
        assert judged.verdict in {Verdict.SAME, Verdict.CANNOT_TELL}


@pytest.mark.parametrize(
    ("lost", "won", "rows", "margin", "verdict"),
    [
        (20, 45, 872, 0.01, Verdict.BETTER),
        (45, 20, 872, 0.01, Verdict.WORSE),
        (20, 26, 872, 0.01, Verdict.CANNOT_TELL),
        (750, 760, 25_000, 0.01, Verdict.SAME),
        (700, 850, 25_000, 0.01, Verdict.SAME),  # no chance, and smaller than what matters
        (700, 850, 25_000, 0.0, Verdict.BETTER),
        (0, 9, 872, 0.01, Verdict.CANNOT_TELL),  # p would be 0.004, of nine rows
        (0, 0, 872, 0.01, Verdict.SAME),
    ],
)
def test_what_is_said_of_models(lost: int, won: int, rows: int, margin: float, verdict: Verdict) -> None:
    assert models_verdict(lost, won, rows, margin).verdict is verdict


scores = st.lists(st.floats(0.5, 0.99).map(lambda score: round(score, 4)), min_size=1, max_size=6)


@settings(deadline=None)
@given(scores, scores, st.booleans(), st.sampled_from([0, 0.01, 0.1]))
def test_recipes_the_other_way_round(a: list[float], b: list[float], apart: bool, margin: float) -> None:
    seeds_a, seeds_b = range(len(a)), range(100 * apart, 100 * apart + len(b))
    judged = recipes_verdict(a, b, seeds_a, seeds_b, margin)
    assert_mirrored(judged, recipes_verdict(b, a, seeds_b, seeds_a, margin))
    if min(len(a), len(b)) == 1:
        assert judged.verdict is Verdict.CANNOT_TELL
        assert judged.p_differs is judged.p_same is None


def test_one_seed_says_nothing_however_far_apart() -> None:
    assert recipes_verdict([0.5], [0.99], [0], [0], 0.01).verdict is Verdict.CANNOT_TELL
    assert recipes_verdict([0.5], [0.99, 0.98, 0.99], [0], [0, 1, 2], 0.01).verdict is Verdict.CANNOT_TELL


def test_seeds_that_are_told_to_be_enough_tell() -> None:
    a, b = [0.900, 0.912, 0.905], [0.908, 0.909, 0.917]
    judged = recipes_verdict(a, b, range(3), range(3), 0.0)
    assert judged.verdict is Verdict.CANNOT_TELL
    assert judged.needed is not None
    generator, apart = np.random.default_rng(0), np.subtract(b, a)
    drawn = generator.normal(apart.mean(), apart.std(ddof=1), (1000, judged.needed))
    found = [
        recipes_verdict(np.zeros(len(row)), row, range(len(row)), range(len(row)), 0.0).verdict
        for row in drawn
    ]
    assert np.mean([verdict is Verdict.BETTER for verdict in found]) == pytest.approx(0.8, abs=0.08)


@settings(deadline=None, max_examples=20)
@given(st.integers(0, 2**32 - 1), st.floats(-0.2, 0.2), st.sampled_from([0, 0.02, 0.2]))
def test_stories_the_other_way_round(seed: int, shift: float, margin: float) -> None:
    generator = np.random.default_rng(seed)
    sizes = generator.integers(200, 1500, 60)
    a, b = sizes * generator.normal(0.5, 0.1, 60), sizes * generator.normal(0.5 + shift, 0.1, 60)
    assert_mirrored(stories_verdict(a, b, sizes, margin), stories_verdict(b, a, sizes, margin))


def test_fewer_bits_per_byte_are_better() -> None:
    sizes = np.full(100, 700)
    a = sizes * np.linspace(0.4, 0.6, 100)
    judged = stories_verdict(a, a - 7 - np.linspace(0, 3, 100), sizes, 0.001)
    assert judged.difference == pytest.approx(-8.5 / 700 / np.log(2))
    assert judged.verdict is Verdict.BETTER


def test_what_is_asked_together_is_harder_to_claim() -> None:
    alone = models_verdict(20, 38, 872, 0.01)
    assert alone.verdict is Verdict.BETTER
    together = judged_together([alone, models_verdict(30, 31, 872, 0.01), models_verdict(3, 4, 872, 0.01)])
    assert together[0].verdict is Verdict.CANNOT_TELL
    assert together[0].needed is not None
    assert together[2].p_differs is None
    assert judged_together([alone]) == [alone]
    assert judged_together([]) == []
    assert replace(together[0], p_differs=alone.p_differs, p_same=alone.p_same) == alone


@pytest.mark.parametrize("margin", [0.0, 0.02])
def test_stories_that_are_told_to_be_enough_are(margin: float) -> None:
    generator = np.random.default_rng(2)
    sizes = generator.integers(300, 900, 80)
    shift = 0.004 if not margin else 0.0
    b = sizes * np.log(2) * generator.normal(1 + shift, 0.1, 80)
    judged = stories_verdict(sizes * np.log(2), b, sizes, margin)
    assert judged.verdict is Verdict.CANNOT_TELL
    assert judged.needed is not None
    assert judged.detectable is not None
    error = judged.detectable / (norm.ppf(0.975) + norm.ppf(0.8)) * (80 / judged.needed) ** 0.5
    apart = abs(judged.difference)
    found = norm.sf(norm.ppf(0.975) - apart / error)
    same = norm.cdf((margin - apart) / error - norm.ppf(0.95)) if margin else 0.0
    assert max(found, same) == pytest.approx(0.8, abs=0.01)


def test_a_clear_winner_among_sixty_language_models_is_told() -> None:
    generator, sizes = np.random.default_rng(7), np.full(200, 700)
    a = 700 * generator.normal(0.5, 0.02, 200)
    clear = stories_verdict(a, a - 7 * generator.normal(5, 1, 200), sizes, 0.0)
    even = replace(clear, p_differs=0.6, p_same=1.0)
    together = judged_together([clear] * 59 + [even] * 1711)
    assert {each.verdict for each in together[:59]} == {Verdict.BETTER}
