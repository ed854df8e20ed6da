"""Vectors of one space mapped into another's by least squares (Mikolov et al. 2013, arXiv 1309.4168).

Legend: S words of both, V words, D numbers of a vector here, E there.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from datamodules.word_vectors import WordVectors, word_vectors
from errors import UserError

_TESTED = 10  # of the words of both every so many is left out of the map, and tells how good it is


@dataclass(frozen=True)
class Extended:
    """vectors: the words of the one, then those that the other adds. shared: words of both. explained: share of the
    variance of words that were not fitted to which the map explains, 1 for all."""

    vectors: WordVectors
    shared: int
    added: int
    explained: float


def extended(known: WordVectors, new: WordVectors) -> Extended:
    """`known`, and the words of `new` that it lacks, mapped into its space as those words lie that both have.

    UserError where both have too few words for a map.
    """
    lacking = [word for word in new.words if word not in known.rows]
    shared = [word for word in new.words if word in known.rows]
    if len(shared) < 2 * (new.dimensions + 1):
        raise UserError(
            f"has {len(shared)} words of {new.origin}, too few to map {new.dimensions} numbers",
            where=known.origin,
            cure="Give vectors of the same language, or fewer dimensions.",
        )
    theirs_SD, known_SE = _matrix(new, shared), _matrix(known, shared)
    tested_S = np.arange(len(shared)) % _TESTED == 0
    map_DE = _fitted(theirs_SD[~tested_S], known_SE[~tested_S])
    explained = _explained(theirs_SD[tested_S] @ map_DE, known_SE[tested_S])
    added_VE = _matrix(new, lacking) @ _fitted(theirs_SD, known_SE)
    matrix = np.concatenate([known.matrix_VD, added_VE.astype(np.float32)])
    vectors = word_vectors([*known.words, *lacking], matrix, origin=known.origin)
    return Extended(vectors, len(shared), len(lacking), explained)


def _matrix(vectors: WordVectors, words: list[str]) -> NDArray[np.float64]:
    """Those of some words, with a constant behind them."""
    rows = vectors.matrix_VD[[vectors.rows[word] for word in words]].astype(np.float64)
    return np.concatenate([rows, np.ones((len(rows), 1))], axis=1)


def _fitted(given_SD: NDArray[np.float64], wanted_SE: NDArray[np.float64]) -> NDArray[np.float64]:
    found: NDArray[Any] = np.linalg.lstsq(given_SD, wanted_SE[:, :-1], rcond=None)[0]
    return found


def _explained(found_SE: NDArray[np.float64], wanted_SE: NDArray[np.float64]) -> float:
    wanted_SE = wanted_SE[:, :-1]
    left = np.square(found_SE - wanted_SE).sum()
    return float(1 - left / np.square(wanted_SE - wanted_SE.mean(0)).sum())
