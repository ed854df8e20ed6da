"""Words that tokenizers split differently."""

from __future__ import annotations

from analysis.tokens.comparing import Disagreement, Way, disagreements
from analysis.tokens.pieces import Piece

TEXT = "no LLMs here"


def pieces(*cuts: tuple[int, int]) -> list[Piece]:
    return [Piece(TEXT[start:end], None, start, end) for start, end in cuts]


def test_a_word_that_is_cut_otherwise_is_told_with_who_cuts_it_how() -> None:
    whole, halved = pieces((0, 2), (3, 7), (8, 12)), pieces((0, 2), (3, 5), (5, 7), (8, 12))
    found = disagreements(TEXT, {"a": whole, "b": halved, "c": halved})
    ways = (Way(("a",), ("LLMs",)), Way(("b", "c"), ("LL", "Ms")))
    assert found == [Disagreement("LLMs", 3, 7, ways)]


def test_tokens_that_share_a_character_or_cross_a_space_count_once() -> None:
    over = pieces((0, 4), (4, 7), (4, 7), (8, 12))  # two tokens for the bytes of one character
    assert [
        one.word for one in disagreements(TEXT, {"a": over, "b": pieces((0, 2), (3, 4), (4, 7), (8, 12))})
    ] == []


def test_where_all_agree_nothing_is_told() -> None:
    assert disagreements(TEXT, {"a": pieces((0, 2)), "b": pieces((0, 2))}) == []
