"""NLTK's words, each with the characters that it stands for."""

from __future__ import annotations

import pytest
from hypothesis import given, settings

from analysis.tokens.words import NltkSplitter
from tests.texts import TEXTS

SPLITTER = NltkSplitter()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("I love learning about LLMs", ["I", "love", "learning", "about", "LLMs"]),
        ("don't stop, O'Neill", ["do", "n't", "stop", ",", "O'Neill"]),
        ('"no" or ``maybe\'\'', ['"', "no", '"', "or", "``", "maybe", "''"]),
        ("a\x85b\u2003c", ["a", "b", "c"]),
    ],
)  # fmt: skip
def test_known_words(text: str, words: list[str]) -> None:
    pieces = SPLITTER.pieces(text)
    assert [piece.text for piece in pieces] == words
    assert [text[piece.start : piece.end] for piece in pieces] == words
    assert {piece.id for piece in pieces} == {None}


@settings(max_examples=300)
@given(TEXTS)
def test_words_hold_every_character_but_white_space_once_and_in_order(text: str) -> None:
    pieces = SPLITTER.pieces(text)
    assert "".join(text[piece.start : piece.end] for piece in pieces) == "".join(text.split())
    assert [piece.start for piece in pieces] == sorted({piece.start for piece in pieces})
    assert [one.spans for one in SPLITTER.split([text])] == [[(piece.start, piece.end) for piece in pieces]]
