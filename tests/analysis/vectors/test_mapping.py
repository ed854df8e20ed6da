"""Words of one space are added to another as the words of both lie."""

from __future__ import annotations

import numpy as np
import pytest

from analysis.vectors.mapping import beside, extended
from datamodules.word_vectors import WordVectors, word_vectors
from errors import UserError

WORDS = [f"w{number}" for number in range(300)]


def spaces(noise: float, known: int = 200) -> tuple[WordVectors, WordVectors, np.ndarray]:
    """Vectors of 5 numbers of all words, those of 3 that follow from them of the first `known`, and all of these."""
    draw = np.random.Generator(np.random.PCG64(0))
    new_VD = draw.normal(size=(len(WORDS), 5)).astype(np.float32)
    there_VE = (
        new_VD @ draw.normal(size=(5, 3)) + [1.0, 0.0, -2.0] + noise * draw.normal(size=(len(WORDS), 3))
    )
    there_VE = there_VE.astype(np.float32)
    own = word_vectors(
        ["own", *WORDS[:known]], np.concatenate([there_VE[:1] * 0, there_VE[:known]]), origin="known"
    )
    return own, word_vectors(WORDS[::-1], new_VD[::-1], origin="new"), there_VE


def test_added_words_lie_where_the_words_of_both_say() -> None:
    known, new, there_VE = spaces(0.0)
    found = extended(known, new)
    assert (found.shared, found.added) == (200, 100)
    assert found.vectors.words == (*known.words, *WORDS[:199:-1])
    assert np.array_equal(found.vectors.matrix_VD[: len(known.words)], known.matrix_VD)
    assert np.allclose(found.vectors.matrix_VD[len(known.words) :], there_VE[:199:-1], atol=1e-4)
    assert found.explained == pytest.approx(1, abs=1e-6)


def test_how_good_the_map_is_is_told_by_words_that_it_was_not_fitted_to() -> None:
    explained = [extended(*spaces(noise)[:2]).explained for noise in (0.5, 50.0)]
    assert 0.5 < explained[0] < 0.99
    assert explained[1] < 0.1


def test_too_few_words_of_both_are_told() -> None:
    known, new, _ = spaces(0.0, known=11)
    with pytest.raises(UserError, match="has 11 words of new, too few to map 5 numbers"):
        extended(known, new)


def test_side_by_side_each_word_of_the_corpus_has_both() -> None:
    known, new, there_VE = spaces(0.0)
    found = beside(known, new).vectors
    assert found.words == new.words
    assert found.dimensions == 8
    assert np.array_equal(found.matrix_VD[100:, :3], there_VE[199::-1])  # as they are, of those that have one
    assert np.allclose(found.matrix_VD[:100, :3], there_VE[:199:-1], atol=1e-4)
    own = found.matrix_VD[:, 3:]
    assert np.corrcoef(own.ravel(), new.matrix_VD.ravel())[0, 1] == pytest.approx(1)
    assert own.std() == pytest.approx(found.matrix_VD[:, :3].std(), rel=1e-4)
