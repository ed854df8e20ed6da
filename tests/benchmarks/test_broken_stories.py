from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest

from benchmarks.broken_stories import (
    broken_off,
    looped,
    misspelt,
    sentences_mixed,
    sentences_of,
    words_shuffled,
)
from datamodules.bundled.stories import generate_stories

# Two in one: of a short one, a tenth of the longer words may be none.
_SHORT = [story["text"] for story in generate_stories(sizes={"train": 80})["train"]]
STORIES = [f"{one} {other}" for one, other in zip(_SHORT[::2], _SHORT[1::2], strict=True)]
SPOIL = [broken_off, words_shuffled, sentences_mixed, looped, misspelt]


@pytest.mark.parametrize("spoil", SPOIL)
def test_the_seed_decides(spoil: Callable[[Sequence[str], int], list[str]]) -> None:
    spoilt = spoil(STORIES, 1)
    assert spoilt == spoil(STORIES, 1) != spoil(STORIES, 2)
    assert len(spoilt) == len(STORIES)
    assert all(text and text != story for text, story in zip(spoilt, STORIES, strict=True))


def test_a_broken_off_story_is_a_part_from_the_beginning() -> None:
    for broken, story in zip(broken_off(STORIES), STORIES, strict=True):
        assert story.startswith(broken + " ")
    assert broken_off(["one", ""]) == ["one", ""]


def test_shuffling_keeps_the_words() -> None:
    for shuffled, story in zip(words_shuffled(STORIES), STORIES, strict=True):
        assert sorted(shuffled.split()) == sorted(story.split())


def test_a_mixed_story_has_as_many_sentences_and_none_of_its_own() -> None:
    stories = [f"Story {n} begins. Story {n} goes on. Story {n} ends." for n in range(5)]
    for n, mixed in enumerate(sentences_mixed(stories)):
        sentences = sentences_of(mixed)
        assert [sentence.split()[-1] for sentence in sentences] == ["begins.", "on.", "ends."]
        assert all(sentence.split()[1] != str(n) for sentence in sentences)


def test_a_looped_story_says_one_sentence_at_least_three_times() -> None:
    for spoilt, story in zip(looped(STORIES), STORIES, strict=True):
        said, sentences = sentences_of(spoilt), sentences_of(story)
        again = said.count(said[-1])
        assert again >= 3
        assert said[: len(said) - again + 1] == sentences[: len(said) - again + 1]


def test_misspelling_moves_letters_inside_some_long_words() -> None:
    changed = [
        (wrong, right)
        for spoilt, story in zip(misspelt(STORIES), STORIES, strict=True)
        for wrong, right in zip(spoilt.split(), story.split(), strict=True)
        if wrong != right
    ]
    assert 0.02 < len(changed) / sum(len(story.split()) for story in STORIES) < 0.1
    for wrong, right in changed:
        assert len(right) >= 4
        assert (wrong[0], wrong[-1], sorted(wrong)) == (right[0], right[-1], sorted(right))
