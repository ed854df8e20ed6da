"""The Pareto front, whatever the costs: ties, equal rows, figures that are missing."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from comparison.front import dominators

COSTS = st.lists(st.sampled_from([0.0, 1.0, 1.5, 2.0, math.nan, math.inf]), min_size=3, max_size=3)
TABLES = st.lists(COSTS, min_size=1, max_size=12)


TOLERANCES = [(0.0, 0.0, 0.0), (0.0, 0.4, 0.0), (0.0, 0.0, 1.0)]


def beats(one: list[float], other: list[float], tolerances: Sequence[float]) -> bool:
    """As the definition says it, with Python's own numbers."""
    pairs = list(zip(one, other, tolerances, strict=True))
    return all(a <= b * (1 + share) for a, b, share in pairs) and any(
        a * (1 + share) < b for a, b, share in pairs
    )


@given(TABLES, st.sampled_from(TOLERANCES))
def test_no_row_of_the_front_beats_another_of_it_and_every_other_is_beaten_by_each_that_is_named(
    table: list[list[float]], tolerances: tuple[float, ...]
) -> None:
    found = dominators(np.array(table), tolerances)
    placed = {row for row, costs in enumerate(table) if all(map(math.isfinite, costs))}
    assert {row for row, above in enumerate(found) if above is not None} == placed
    front = {row for row in placed if found[row] == ()}
    assert bool(front) == bool(placed)
    for row in placed:
        above = {other for other in front if beats(table[other], table[row], tolerances)}
        assert set(found[row] or ()) == above
        assert (row in front) == (not above)
    if not any(tolerances):
        assert front == {
            row for row in placed if not any(beats(table[one], table[row], tolerances) for one in placed)
        }


@given(TABLES, st.sampled_from(TOLERANCES), st.integers(0, 1000))
def test_the_order_of_the_rows_does_not_matter(
    table: list[list[float]], tolerances: tuple[float, ...], seed: int
) -> None:
    order = np.random.default_rng(seed).permutation(len(table)).tolist()
    found = dominators(np.array(table), tolerances)
    moved = dominators(np.array([table[row] for row in order]), tolerances)
    for place, row in enumerate(order):
        above = moved[place]
        assert found[row] == (None if above is None else tuple(sorted(order[one] for one in above)))


def test_equal_rows_stay_together_and_a_row_without_a_figure_beats_nothing() -> None:
    costs = np.array([[1, 1], [1, 1], [2, 2], [0, math.nan]])
    assert dominators(costs, (0, 0)) == [(), (), (0, 1), None]


def test_a_difference_within_the_tolerance_decides_nothing_and_a_chain_of_them_does() -> None:
    within = np.array([[1.0, 1.04], [2.0, 1.00]])
    assert dominators(within, (0, 0.05)) == [(), (0,)]
    assert dominators(within, (0, 0.03)) == [(), ()]
    chain = np.array(
        [[1.0, 1.08], [2.0, 1.04], [3.0, 1.00]]
    )  # the last is faster than the first, by more than 5 %
    assert dominators(chain, (0, 0.05)) == [(), (0,), ()]
