from __future__ import annotations

import numpy as np
import pytest

from scoring.selection import selection


def equal_configs(rows: int, generator: np.random.Generator) -> np.ndarray:
    """20 configs that are right on nine rows of ten and agree on most."""
    common = generator.random(rows) < 0.9
    return common ^ (generator.random((20, rows)) < 0.03)


@pytest.mark.parametrize("rows", [200, 1000])
def test_the_best_of_equals_looks_too_good_and_its_estimate_does_not(rows: int) -> None:
    generator = np.random.default_rng(rows)
    found = [selection(generator.random((20, rows)) < 0.9, seed=k) for k in range(60)]
    expected = np.array([each.expected for each in found])
    assert abs(expected.mean() - 0.9) < 3 * expected.std() / len(found) ** 0.5
    assert np.mean([each.bias for each in found]) == pytest.approx({200: 0.039, 1000: 0.018}[rows], abs=0.004)


def test_one_that_is_better_beyond_doubt_has_next_to_no_bias() -> None:
    generator = np.random.default_rng(1)
    values = generator.random((5, 800)) < np.array([[0.6], [0.9], [0.6], [0.6], [0.6]])
    found = selection(values)
    assert found.best == 1
    assert found.apparent == values[1].mean()
    assert found.bias == pytest.approx(0.0, abs=0.001)


def test_one_config_was_not_selected() -> None:
    assert selection(equal_configs(300, np.random.default_rng(2))[:1]).bias == pytest.approx(0.0)


def test_scores_to_be_small_and_ratios_of_sums() -> None:
    generator = np.random.default_rng(3)
    sizes = generator.integers(100, 900, 400)
    losses = sizes * generator.normal(1.0, 0.3, (12, 400))
    found = selection(losses, sizes, greater_is_better=False)
    shares = losses.sum(1) / sizes.sum()
    assert (found.best, found.apparent) == (shares.argmin(), shares.min())
    assert found.expected > found.apparent
    mirrored = selection(-losses, sizes)
    assert (mirrored.best, mirrored.bias) == (found.best, pytest.approx(found.bias))


def test_of_few_rows_all_may_be_drawn() -> None:
    found = selection(np.array([[1, 0, 1], [1, 1, 0]]))
    assert 0 <= found.expected <= found.apparent == pytest.approx(2 / 3)
