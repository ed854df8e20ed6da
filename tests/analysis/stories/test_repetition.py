from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.stories.repetition import distinct, loops, ngrams, repeated

WORDS = st.lists(st.sampled_from("abcdefgh"), max_size=40)
FEW_WORDS = st.lists(st.sampled_from("ab"), max_size=24)


def test_repeated_4grams_are_those_that_occurred_before() -> None:
    assert repeated(["a", "b", "c", "d", "e", "a", "b", "c", "d"]) == pytest.approx(1 / 6)
    assert repeated(["a", "a", "a", "a", "a", "a", "a", "a"]) == pytest.approx(4 / 5)
    assert repeated(["a", "b", "c", "d", "e", "f", "g"]) == 0
    assert repeated(["a", "b", "c"]) == 0
    assert repeated([]) == 0


def test_distinct_counts_over_the_whole_sample_but_not_across_stories() -> None:
    sample = [["a", "b", "a", "b"], ["b", "a"]]
    assert distinct(sample, 1) == 2 / 6
    assert distinct(sample, 2) == 2 / 4  # a b, b a, a b | b a; not b b
    assert distinct(sample, 3) == 1
    assert distinct([["a"]], 2) == 0


UNIQUE = [f"w{number}" for number in range(100)]


@pytest.mark.parametrize(
    ("said", "is_loop"),
    [
        ("very very very very very", True),  # period 1, four repeated
        ("very very very very", False),
        ("no way no way no way", True),  # period 2, four repeated
        ("no way no way no", False),
        ("he ran home fast he ran home fast", True),
        ("he ran home he ran home", False),
        ("he ran home very fast he ran home very fast", True),
        ("he ran home very fast he ran home very slowly", False),
    ],
)
def test_words_said_again_at_once_are_a_loop(said: str, is_loop: bool) -> None:
    assert loops([*UNIQUE, *said.split(), "then", *UNIQUE[:3]]) is is_loop


def test_a_4gram_said_over_and_over_is_a_loop_where_it_is_much_of_the_story() -> None:
    def story(rest: int) -> list[str]:
        parts = [["the", "end", "of", "it", *UNIQUE[begin : begin + rest]] for begin in (0, rest, 2 * rest)]
        return [word for part in parts for word in part]

    assert loops(story(rest=20))  # 3 of 69
    assert not loops(story(rest=30))  # 3 of 99
    assert not loops(story(rest=20)[:40])  # twice


def test_a_loop_is_found_where_all_its_4grams_come_back_within_it_too() -> None:
    # Two cycles that have each 4-gram of two words once: together they have it twice, and are told twice.
    said = list("0000100110101111" + "0000100111101011") * 2
    assert loops([*said, *UNIQUE, *reversed(UNIQUE)])
    assert not loops([*said[:-1], *UNIQUE, *reversed(UNIQUE)])


def loops_by_definition(words: list[str]) -> bool:
    """As the docstring says, with plain loops."""
    for period in range(1, len(words)):
        run = 0
        for place in range(period, len(words)):
            run = run + 1 if words[place] == words[place - period] else 0
            if run >= max(4, period):
                return True
    grams = ngrams(words, 4)
    return any(grams.count(gram) >= max(3, 0.04 * len(grams)) for gram in grams)


@settings(max_examples=300, deadline=None)
@given(st.one_of(FEW_WORDS, WORDS), st.integers(0, 12))
def test_loops_are_found_as_they_are_defined(words: list[str], again: int) -> None:
    words = words + words[len(words) - again :] if again <= len(words) else words
    assert loops(words) == loops_by_definition(words)


@given(WORDS.filter(lambda words: len(words) >= 4))
def test_a_story_said_twice_is_a_loop_and_repeats_half_its_4grams(words: list[str]) -> None:
    assert loops(words * 2)
    assert repeated(words * 2) + 1e-12 >= (len(words) - 3) / (2 * len(words) - 3)


@given(st.lists(WORDS, max_size=5), st.integers(1, 3))
def test_shares_lie_between_0_and_1_and_telling_a_sample_twice_halves_distinct(
    sample: list[list[str]], size: int
) -> None:
    assert 0 <= distinct(sample, size) <= 1
    assert distinct(sample * 2, size) == distinct(sample, size) / 2
    assert all(0 <= repeated(words, size) < 1 for words in sample)
