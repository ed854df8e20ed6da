from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from scoring.noise import flip_rate, noise_floor


def test_the_deviation_of_seeds_lies_in_its_interval_as_often_as_said() -> None:
    generator = np.random.default_rng(0)
    floors = [noise_floor(generator.normal(0.9, 0.009, 5)) for _ in range(4000)]
    assert np.mean(
        [floor is not None and floor.low <= 0.009 <= floor.high for floor in floors]
    ) == pytest.approx(0.95, abs=0.012)


def test_the_interval_is_that_of_the_chi_squared_distribution() -> None:
    floor = noise_floor([0.90, 0.91, 0.905])
    assert floor is not None
    low, high = (0.005 * (2 / stats.chi2(2).ppf(q)) ** 0.5 for q in (0.975, 0.025))
    assert (floor.deviation, floor.low, floor.high) == pytest.approx((0.005, low, high))


def test_one_seed_has_no_noise() -> None:
    assert noise_floor([0.9]) is None


def test_flips_are_counted_between_all_pairs_of_seeds() -> None:
    assert flip_rate(np.array([[0, 1, 1, 0], [0, 1, 0, 0], [1, 1, 0, 0]])) == pytest.approx((1 + 2 + 1) / 12)
