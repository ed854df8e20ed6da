from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.stories import training_text
from analysis.stories.repetition import ngrams
from analysis.stories.training_text import COPIED, FLUENT, TrainingText
from analysis.stories.words import words_of

# Few words, so that runs of three are often in both; stories of up to 40, so that copies of 13 are.
WORDS = st.lists(st.sampled_from(["the", "Cat", "sat.", "on", "\u201cTim\u2019s", "mat\u201d"]), max_size=40)
STORIES = st.lists(WORDS.map(" ".join), max_size=6)


def held(stories: list[str], size: int) -> set[tuple[str, ...]]:
    """All runs of `size` words of the stories, by definition."""
    return {gram for story in stories for gram in ngrams(words_of(story), size)}


@settings(max_examples=200, deadline=None)
@given(STORIES, STORIES, st.integers(0, 5), st.integers(0, 25), st.integers(1, 3))
def test_runs_are_found_as_a_set_of_tuples_finds_them(
    training: list[str], stories: list[str], source: int, cut: int, at_once: int
) -> None:
    if training:  # a story that begins like a training story
        stories = [*stories, " ".join(training[source % len(training)].split()[:cut]) + " cat cat"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(training_text, "_STORIES_AT_ONCE", at_once)
        text = TrainingText.read(training, stories)
    for size in (FLUENT, COPIED):
        expected = held(training, size)
        for story in stories:
            words = words_of(story)
            assert text.holds(words, size).tolist() == [gram in expected for gram in ngrams(words, size)]


@given(STORIES)
def test_known_words_are_those_of_the_training_stories(training: list[str]) -> None:
    assert TrainingText.read(training, []).words == {word for text in training for word in words_of(text)}


def test_words_that_no_measured_story_has_match_nothing() -> None:
    text = TrainingText.read(["aa bb cc dd", "x x x x"], ["aa bb dd", "bb cc dd"])
    assert text.holds(["aa", "bb", "dd"], FLUENT).tolist() == [False]
    assert text.holds(["bb", "cc", "dd"], FLUENT).tolist() == [True]


def test_runs_do_not_reach_from_one_training_story_into_the_next() -> None:
    text = TrainingText.read(["aa bb", "cc dd ee"], ["aa bb cc dd ee"])
    assert text.holds(["aa", "bb", "cc", "dd", "ee"], FLUENT).tolist() == [False, False, True]


def test_names_are_learned_from_the_training_stories() -> None:
    training = ["Once Tim saw a cat.", "Then Tim met Mom.", "Now, Tim and Mom and mom ran. Ann, Tim and Mom."]
    assert TrainingText.read(training, []).names == {"tim"}


def test_a_story_that_it_was_not_read_for_is_refused() -> None:
    text = TrainingText.read(["a b c d"], ["a b c"])
    for words in (["c", "b", "a"], ["a", "b", "z"]):
        with pytest.raises(AssertionError, match="read the training text for this story"):
            text.holds(words, FLUENT)


def test_the_training_stories_are_streamed_and_progress_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(training_text, "_STORIES_AT_ONCE", 2)
    told: list[tuple[str, int, int]] = []
    drawn: list[int] = []

    class OnDisk:
        def __len__(self) -> int:
            return 5

        def __iter__(self) -> Iterator[str]:
            for number in range(5):
                assert number - (told[-1][1] if told else 0) < 2, "more than a chunk is held"
                drawn.append(number)
                yield "the cat sat"

    TrainingText.read(OnDisk(), ["the cat sat"], on_progress=lambda *what: told.append(what))
    assert [done for _, done, _ in told] == [2, 4, 5]
    assert {total for _, _, total in told} == {5}
    assert drawn == [0, 1, 2, 3, 4]
    TrainingText.read((text for text in ["a"]), [], on_progress=lambda *what: told.append(what))
    assert told[-1][1:] == (1, 0)  # nobody can say how many there are
