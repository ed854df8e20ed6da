"""Word vectors as gensim's KeyedVectors, and which words they have."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from datamodules.word_vectors import WordVectors
from errors import UserError
from host.text import shown
from schema.validation import nearest

_SEARCHED = 100_000  # words, the frequent ones first, among which another spelling is looked for


def gensim_models() -> Any:
    """The module `gensim.models`. UserError where gensim is not installed."""
    try:
        from gensim import models
    except ImportError as error:
        raise UserError(
            "gensim is not installed",
            where="encore study vectors",
            cure="pip install 'encore-harness[vectors]'",
        ) from error
    return models


def keyed(vectors: WordVectors) -> Any:
    """KeyedVectors of the same words in the same order. UserError for a vector that has no direction."""
    models = gensim_models()
    norms = np.linalg.norm(vectors.matrix_VD, axis=1)
    bad = ~((norms > 0) & np.isfinite(norms))
    if bad.any():
        word = vectors.words[int(np.argmax(bad))]
        raise UserError(
            f"the vector of {shown(word)} has no direction (its length is {norms[np.argmax(bad)]:g})",
            where=vectors.origin,
            cure="Drop that row.",
        )
    found = models.KeyedVectors(vectors.dimensions, count=0, dtype=np.float32)
    found.add_vectors(list(vectors.words), vectors.matrix_VD)
    return found


def check_words(vectors: WordVectors, words: Sequence[str]) -> None:
    """UserError, with the nearest spelling, for the first word that has no vector."""
    for word in words:
        if word not in vectors.rows:
            near = _nearest(vectors, word)
            raise UserError(
                f"has no vector for {shown(word)}",
                where=vectors.origin,
                cure=f"Did you mean {near}?" if near else "Give a word that it has.",
            )


def _nearest(vectors: WordVectors, word: str) -> str | None:
    if word.lower() in vectors.rows:
        return word.lower()
    alike = [one for one in vectors.words[:_SEARCHED] if abs(len(one) - len(word)) <= 2]
    return nearest(word.lower(), alike)
