from __future__ import annotations

import numpy as np
import pytest
from sklearn.isotonic import IsotonicRegression

from scoring.calibration import reliability


def drawn(rows: int = 600, *, seed: int = 0, true_of: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    """Confidences, some of them equal, and answers that are right so often; true_of: a power, 1 for calibrated."""
    generator = np.random.default_rng(seed)
    confidence = np.round(0.5 + generator.random(rows) / 2, 2)
    return confidence, generator.random(rows) < confidence**true_of


def test_the_curve_is_isotonic_regression_and_the_parts_add_up() -> None:
    confidence, right = drawn()
    found = reliability(confidence, right)
    expected = IsotonicRegression().fit(confidence, right).predict(found.at)
    assert found.share == pytest.approx(expected)
    assert found.brier == pytest.approx(((confidence - right) ** 2).mean())
    assert found.brier == pytest.approx(found.miscalibration.value - found.discrimination + found.uncertainty)
    assert found.miscalibration.value >= 0
    assert found.discrimination >= 0


def test_a_calibrated_model_shows_an_error_that_its_null_explains() -> None:
    named = [reliability(*drawn(seed=seed)) for seed in range(40)]
    assert np.mean([each.ece.value for each in named]) == pytest.approx(
        np.mean([each.ece.mean for each in named]), rel=0.1
    )
    assert np.mean([each.ece.p for each in named]) == pytest.approx(0.5, abs=0.15)
    assert np.mean([each.miscalibration.p < 0.05 for each in named]) <= 0.15
    inside = np.mean([((each.low <= each.share) & (each.share <= each.high)).mean() for each in named])
    assert inside == pytest.approx(0.9, abs=0.05)


def test_a_model_that_is_too_sure_is_told() -> None:
    found = reliability(*drawn(true_of=3.0))
    assert found.ece.p < 0.01
    assert found.miscalibration.p < 0.01
    assert (found.share < found.low).mean() > 0.5


def test_the_order_of_the_rows_does_not_matter() -> None:
    confidence, right = drawn()
    backwards = reliability(confidence[::-1], right[::-1])
    assert backwards.share == pytest.approx(reliability(confidence, right).share)
    assert backwards.ece.value == pytest.approx(reliability(confidence, right).ece.value)


def test_confidence_of_one_or_none_at_all_is_a_confidence() -> None:
    found = reliability(np.array([0.0, 0.5, 1.0, 1.0]), np.array([False, True, True, True]))
    assert found.ece.value == pytest.approx(0.125)
    assert found.share[0] == 0.0
