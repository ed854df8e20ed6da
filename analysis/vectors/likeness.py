"""Words beside words: how alike they are, their neighbours, analogies, the odd one out. Likeness is the cosine."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Near:
    """A word and how alike it is to what was asked."""

    word: str
    similarity: float


@dataclass(frozen=True)
class Pair:
    """Two words and how alike they are."""

    left: str
    right: str
    similarity: float


@dataclass(frozen=True)
class Analogy:
    """What is nearest to a sum of vectors. excluded: by 3CosAdd as it is scored, where the words that were given are no
    answers (Mikolov et al. 2013, NAACL; Levy & Goldberg 2014, CoNLL). included: where they are, which is often one of
    them (Linzen 2016, RepEval; Rogers et al. 2017, *SEM)."""

    excluded: tuple[Near, ...]
    included: tuple[Near, ...]


def pairs(vectors: Any, words: Sequence[str]) -> tuple[Pair, ...]:
    """Every two of the words, in their order."""
    return tuple(
        Pair(left, right, float(vectors.similarity(left, right))) for left, right in combinations(words, 2)
    )


def neighbours(vectors: Any, word: str, count: int) -> tuple[Near, ...]:
    """The words nearest to one."""
    return _near(vectors.most_similar(word, topn=count))


def analogy(vectors: Any, positive: Sequence[str], negative: Sequence[str], count: int) -> Analogy:
    """The words nearest to the sum of unit vectors, those of `negative` taken off."""
    weights = np.array([1.0] * len(positive) + [-1.0] * len(negative))
    total = vectors.get_mean_vector([*positive, *negative], weights=weights, post_normalize=True)
    return Analogy(
        excluded=_near(vectors.most_similar(list(positive), list(negative), topn=count)),
        included=_near(vectors.similar_by_vector(total, topn=count)),
    )


def centrality(vectors: Any, words: Sequence[str]) -> tuple[Near, ...]:
    """How alike each word is to the mean of all of them; the last is the odd one out."""
    return tuple(
        Near(word, float(similarity)) for similarity, word in vectors.rank_by_centrality(list(words))
    )


def _near(found: Sequence[tuple[str, float]]) -> tuple[Near, ...]:
    return tuple(Near(word, float(similarity)) for word, similarity in found)
