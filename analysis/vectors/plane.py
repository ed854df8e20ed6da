"""A plane through vectors: their first two principal components.

Legend: N vectors, D numbers of each.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Plane:
    """points: of each vector, along the two directions of largest variance. kept: each direction's share of it."""

    points: tuple[tuple[float, float], ...]
    kept: tuple[float, float]


def plane(vectors_ND: NDArray[np.float32]) -> Plane:
    """Of vectors of unit length, so that what is near is alike. Which way a direction points is settled by its largest
    number, which is positive; else two machines might mirror the picture."""
    unit_ND = vectors_ND / np.linalg.norm(vectors_ND, axis=1, keepdims=True)
    centred_ND = (unit_ND - unit_ND.mean(axis=0)).astype(np.float64)
    _, scales, directions = np.linalg.svd(centred_ND, full_matrices=False)
    wide = np.zeros((2, directions.shape[1]))
    wide[: min(2, len(directions))] = directions[:2]
    largest = wide[np.arange(2), np.abs(wide).argmax(axis=1)]
    points = centred_ND @ (wide * np.where(largest < 0, -1.0, 1.0)[:, None]).T
    variance = np.zeros(2)
    variance[: min(2, len(scales))] = scales[:2] ** 2
    total = float((scales**2).sum())
    first, second = (float(share) for share in variance / (total or 1.0))
    return Plane(tuple((float(x), float(y)) for x, y in points), (first, second))
