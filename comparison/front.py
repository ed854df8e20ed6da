"""Which of many things are worth their cost: the Pareto front over any number of costs.

Legend: R rows, K costs.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def dominators(costs_RK: NDArray[np.float64]) -> list[tuple[int, ...] | None]:
    """For each row the rows of the front that dominate it, ascending: none of them for a row of the front itself.

    costs_RK: of each the less the better. One row dominates another that it is nowhere above and somewhere below, so
    rows of equal costs stay together, on the front or off it. A row with a cost that is not finite has no place: None,
    and it dominates nothing.
    """
    placed_R = np.asarray(np.isfinite(costs_RK).all(axis=1))
    beaten = [_beaten_by(costs_RK, placed_R, row) if placed_R[row] else None for row in range(len(costs_RK))]
    front_R = np.array([found is not None and not found.any() for found in beaten], dtype=bool)
    return [None if found is None else tuple(np.flatnonzero(found & front_R).tolist()) for found in beaten]


def _beaten_by(costs_RK: NDArray[np.float64], placed_R: NDArray[np.bool_], row: int) -> NDArray[np.bool_]:
    """(R,) which rows dominate this one."""
    own_K = costs_RK[row]
    return placed_R & (costs_RK <= own_K).all(axis=1) & (costs_RK < own_K).any(axis=1)
