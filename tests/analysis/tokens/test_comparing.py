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


def test_a_token_that_crosses_a_space_is_of_both_words() -> None:
    over, apart = pieces((0, 4), (4, 7), (8, 12)), pieces((0, 2), (3, 4), (4, 7), (8, 12))
    assert disagreements(TEXT, {"a": over, "b": apart}) == []


def test_a_character_of_several_tokens_is_split_otherwise_than_one_of_a_single_token() -> None:
    bytewise, whole = pieces((3, 7), (3, 7), (3, 7)), pieces((3, 7))
    [found] = disagreements("   LLMs", {"a": bytewise, "b": whole})
    assert found.ways == (Way(("a",), ("LLMs x3",)), Way(("b",), ("LLMs",)))


def test_where_all_agree_nothing_is_told() -> None:
    assert disagreements(TEXT, {"a": pieces((0, 2)), "b": pieces((0, 2))}) == []
