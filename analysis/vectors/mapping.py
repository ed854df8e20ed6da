"""Vectors of one space mapped into another's by least squares (Mikolov et al. 2013, arXiv 1309.4168).

Legend: S words of both, V words, D numbers of a vector here, E there.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from datamodules.word_vectors import WordVectors, word_vectors
from errors import UserError

_TESTED = 10  # of the words of both every so many is left out of the map, and tells how good it is


@dataclass(frozen=True)
class Extended:
    """added: words that the one lacked. shared: words of both. explained: share of the variance of words that were not
    fitted to which the map explains, 1 for all."""

    vectors: WordVectors
    shared: int
    added: int
    explained: float


def extended(known: WordVectors, new: WordVectors) -> Extended:
    """`known`, and the words of `new` that it lacks, mapped into its space as those words lie that both have.

    UserError where both have too few words for a map.
    """
    lacking, mapped = _mapped(known, new)
    matrix = np.concatenate([known.matrix_VD, mapped.lacking_VE])
    vectors = word_vectors([*known.words, *lacking], matrix, origin=known.origin)
    return Extended(vectors, mapped.shared, len(lacking), mapped.explained)


def beside(known: WordVectors, new: WordVectors) -> Extended:
    """The words of `new`: of each its vector of `known`, mapped where that lacks it, and behind it its own, as widely
    spread. UserError likewise."""
    lacking, mapped = _mapped(known, new)
    theirs = word_vectors(
        [*known.words, *lacking], np.concatenate([known.matrix_VD, mapped.lacking_VE]), origin=known.origin
    )
    first_VE = theirs.matrix_VD[[theirs.rows[word] for word in new.words]]
    scale = np.float32(first_VE.std() / new.matrix_VD.std())
    both = np.concatenate([first_VE, scale * new.matrix_VD], axis=1)
    return Extended(
        word_vectors(new.words, both, origin=known.origin), mapped.shared, len(lacking), mapped.explained
    )


class _Mapped(NamedTuple):
    """lacking_VE: float32, of the words that the one lacks."""

    lacking_VE: NDArray[np.float32]
    shared: int
    explained: float


def _mapped(known: WordVectors, new: WordVectors) -> tuple[list[str], _Mapped]:
    """The words of `new` that `known` lacks, and their vectors there."""
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
    lacking_VE = _matrix(new, lacking) @ _fitted(theirs_SD, known_SE)
    return lacking, _Mapped(lacking_VE.astype(np.float32), len(shared), explained)


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
