from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scoring.significance import mcnemar_test


@given(st.integers(0, 60), st.integers(0, 60))
def test_mcnemar_is_twice_the_smaller_tail_of_the_fair_coin(lost: int, won: int) -> None:
    changed = lost + won
    tail = sum(math.comb(changed, k) for k in range(min(lost, won) + 1))
    assert mcnemar_test(lost, won) == pytest.approx(min(1.0, 2 * tail / 2**changed))
