from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scoring.holm import holm


def test_the_smallest_pays_for_all_and_the_largest_for_itself() -> None:
    assert holm([0.04, 0.01, 0.03]) == pytest.approx([0.06, 0.03, 0.06])


@given(st.lists(st.floats(0, 1), max_size=20))
def test_adjusted_p_values_keep_their_order_and_never_fall(p_values: list[float]) -> None:
    adjusted = holm(p_values)
    assert all(p <= after <= 1 for p, after in zip(p_values, adjusted, strict=True))
    order = sorted(range(len(p_values)), key=lambda k: p_values[k])
    assert [adjusted[k] for k in order] == sorted(adjusted)
    rejected = sorted(p_values)  # step down, by hand
    for k, p in enumerate(rejected):
        if p * (len(rejected) - k) > 0.05:
            rejected = rejected[:k]
            break
    assert sum(after <= 0.05 for after in adjusted) == len(rejected)
