"""The Pareto front, whatever the costs: ties, equal rows, figures that are missing."""

from __future__ import annotations

import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from comparison.front import dominators

COSTS = st.lists(st.sampled_from([0.0, 1.0, 1.5, 2.0, math.nan, math.inf]), min_size=3, max_size=3)
TABLES = st.lists(COSTS, min_size=1, max_size=12)


def beats(one: list[float], other: list[float]) -> bool:
    """As the definition says it, with Python's own numbers."""
    return all(a <= b for a, b in zip(one, other, strict=True)) and one != other


@given(TABLES)
def test_no_row_of_the_front_is_beaten_and_every_other_is_beaten_by_each_that_is_named(
    table: list[list[float]],
) -> None:
    found = dominators(np.array(table))
    placed = {row for row, costs in enumerate(table) if all(map(math.isfinite, costs))}
    assert {row for row, above in enumerate(found) if above is not None} == placed
    front = {row for row in placed if found[row] == ()}
    assert bool(front) == bool(placed)
    for row in placed:
        above = {other for other in front if beats(table[other], table[row])}
        assert set(found[row] or ()) == above
        assert bool(above) == any(beats(table[other], table[row]) for other in placed)


@given(TABLES, st.integers(0, 1000))
def test_the_order_of_the_rows_does_not_matter(table: list[list[float]], seed: int) -> None:
    order = np.random.default_rng(seed).permutation(len(table)).tolist()
    found, moved = dominators(np.array(table)), dominators(np.array([table[row] for row in order]))
    for place, row in enumerate(order):
        above = moved[place]
        assert found[row] == (None if above is None else tuple(sorted(order[one] for one in above)))


def test_equal_rows_stay_together_and_a_row_without_a_figure_beats_nothing() -> None:
    costs = np.array([[1, 1], [1, 1], [2, 2], [0, math.nan]])
    assert dominators(costs) == [(), (), (0, 1), None]
