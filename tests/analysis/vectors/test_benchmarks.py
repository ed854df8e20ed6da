"""The three tests that people answered: with GloVe the known answers, with few words none that are made up."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from analysis.vectors import keyed, likeness
from analysis.vectors.benchmarks import benchmarks
from datamodules.word_vectors import WordVectors, read_word_vectors, word_vectors


@pytest.fixture(scope="module")
def glove(real_data: Path) -> WordVectors:
    return read_word_vectors(real_data / "data" / "glove")


@pytest.fixture(scope="module")
def glove_keyed(glove: WordVectors) -> Any:
    return keyed.keyed(glove)


def test_king_and_queen_are_as_alike_as_they_are_known_to_be(glove_keyed: Any) -> None:
    [pair] = likeness.pairs(glove_keyed, ["king", "queen"])
    assert round(pair.similarity, 4) == 0.7839
    found = likeness.analogy(glove_keyed, ["king", "woman"], ["man"], 2)
    assert (found.excluded[0].word, round(found.excluded[0].similarity, 4)) == ("queen", 0.8524)
    assert [one.word for one in found.included] == ["king", "queen"]
    assert likeness.centrality(glove_keyed, ["breakfast", "cereal", "dinner", "lunch"])[-1].word == "cereal"


@pytest.mark.slow
def test_glove_does_in_the_three_tests_as_it_is_known_to(glove_keyed: Any) -> None:
    found = benchmarks(glove_keyed)
    assert {one.name: round(one.correlation or 0, 4) for one in found.pairs} == {
        "WordSim-353": 0.5247,
        "SimLex-999": 0.2652,
    }
    assert [(one.pairs, one.unknown) for one in found.pairs] == [(348, 5), (995, 4)]
    assert (found.total.excluded, found.total.questions, found.unknown) == (8352, 17407, 2137)
    assert found.total.included == 5461
    assert sum(one.excluded for one in found.sections) == found.total.excluded


FAMILY = ("boy", "girl", "king", "queen", "man", "woman", "he", "she")


def family_vectors(shared: float, own: float) -> Any:
    """Pairs of words. shared: how far apart the two of every pair are in the same direction. own: how far each word is
    in one of its own."""
    count = len(FAMILY)
    rows = [
        [
            *(3.0 * (pair == at // 2) for pair in range(count // 2)),
            shared * (1 if at % 2 else -1),
            *(own * (word == at) for word in range(count)),
        ]
        for at in range(count)
    ]
    return keyed.keyed(word_vectors(FAMILY, np.array(rows, np.float32), origin="here"))


def test_analogies_are_scored_in_both_conventions() -> None:
    """a : b = c : d. c is nearer to b - a + c than d is where own² > 2 shared², and is an input."""
    near, far = benchmarks(family_vectors(3.0, 1.0)), benchmarks(family_vectors(1.0, 2.0))
    assert [(one.section, one.questions) for one in far.sections if one.questions] == [("family", 12)]
    assert (near.total.excluded, near.total.included) == (12, 12)
    assert (far.total.excluded, far.total.included) == (12, 0)
    assert far.unknown == 19544 - 12


def test_too_few_words_have_no_correlation() -> None:
    found = benchmarks(
        keyed.keyed(word_vectors(["tiger", "cat"], np.eye(2, dtype=np.float32), origin="here"))
    )
    assert [(one.correlation, one.pairs) for one in found.pairs] == [(None, 2), (None, 0)]
    assert (found.total.questions, found.unknown) == (0, 19544)
