"""Words of texts, and how many of them have a vector."""

from __future__ import annotations

from analysis.vectors.coverage import Kept, Missing, coverage
from analysis.vectors.words import words_of
from tests.analysis.vectors.vectors import small_vectors


def test_a_period_ends_a_sentence_and_stays_in_an_abbreviation() -> None:
    assert list(words_of(["A frog. The U.S. king's newt.", ""])) == [
        ["A", "frog", ".", "The", "U.S.", "king", "'s", "newt", "."],
        [],
    ]


def test_tokens_are_looked_up_as_they_stand_and_in_lower_case() -> None:
    found = coverage(["King king. King", "a Frog", "a A queen", "Toad."], small_vectors())
    assert (found.texts, found.tokens, found.words) == (4, 11, 6)
    assert (found.known_tokens, found.known_words, found.lowered) == (8, 5, 4)
    assert found.whole_texts == 2
    assert found.missing == (Missing("a", 3),)
    assert found.kept == (Kept(8, 8 / 11),)
