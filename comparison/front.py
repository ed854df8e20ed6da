"""Which of many things are worth their cost: the Pareto front over any number of costs, of which one may be noisy.

Legend: R rows, K costs.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


def dominators(costs_RK: NDArray[np.float64], tolerances: Sequence[float]) -> list[tuple[int, ...] | None]:
    """For each row the rows of the front that dominate it, ascending: none of them for a row of the front itself.

    costs_RK: of each the less the better. tolerances: of each cost, by what share it may lie above another and is still
    held to be equal; of one of them at most it is not 0. One row dominates another that it is nowhere above and
    somewhere below, so rows of equal costs stay together, on the front or off it. A row with a cost that is not finite
    has no place: None, and it dominates nothing.

    With a tolerance a row may be equal to two that differ, so what dominates is said of the front alone: no row of it
    dominates another of it, and every row off it is dominated by one of it. Only one set of rows is so (the kernel of a
    graph without circles: von Neumann and Morgenstern 1944).
    """
    tolerance_K = np.asarray(tolerances, np.float64)
    exact_K = tolerance_K == 0
    assert (~exact_K).sum() <= 1, "two costs with a tolerance could go in a circle"
    placed_R = np.asarray(np.isfinite(costs_RK).all(axis=1))
    found: list[tuple[int, ...] | None] = [None] * len(costs_RK)
    front_R = np.zeros(len(costs_RK), bool)
    # In this order, the exact costs first, each row comes after all that dominate it.
    columns = np.concatenate([costs_RK[:, exact_K], costs_RK[:, ~exact_K]], axis=1)
    for row in np.lexsort(columns.T[::-1]):
        if placed_R[row]:
            above_R = front_R & _dominate(costs_RK, tolerance_K, row)
            found[row] = tuple(np.flatnonzero(above_R).tolist())
            front_R[row] = not above_R.any()
    return found


def _dominate(costs_RK: NDArray[np.float64], tolerance_K: NDArray[np.float64], row: int) -> NDArray[np.bool_]:
    """(R,) which rows dominate this one."""
    own_K = costs_RK[row]
    nowhere_above_R = (costs_RK <= own_K * (1 + tolerance_K)).all(axis=1)
    somewhere_below_R = (costs_RK * (1 + tolerance_K) < own_K).any(axis=1)
    return nowhere_above_R & somewhere_below_R
