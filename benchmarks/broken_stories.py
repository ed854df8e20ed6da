"""Stories spoilt on purpose, each in one way: controls for the measures of story quality.

Every function gives as many stories as it gets, in their order, and the same ones for the same seed.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from random import Random

from analysis.stories.words import CLOSING

_SENTENCE = re.compile(rf".+?[.!?…]+[{re.escape(CLOSING)}]*(?=\s+[^\sa-z]|\s*$)|.+$", re.DOTALL)


def broken_off(stories: Sequence[str], seed: int = 0) -> list[str]:
    """Each cut behind a random word but the last, as where a limit of length cuts it."""
    random = Random(f"broken off/{seed}")  # noqa: S311
    parted = [story.split() for story in stories]
    return [" ".join(words[: random.randrange(1, max(len(words), 2))]) for words in parted]


def words_shuffled(stories: Sequence[str], seed: int = 0) -> list[str]:
    """The words of each, with the punctuation that is written at them, in random order."""
    random = Random(f"words shuffled/{seed}")  # noqa: S311
    parted = [story.split() for story in stories]
    return [" ".join(random.sample(words, len(words))) for words in parted]


def sentences_mixed(stories: Sequence[str], seed: int = 0) -> list[str]:
    """In place of each of its sentences, that of another story at about the same place, drawn anew each time.

    So beginnings stay at the beginning and ends at the end, and nothing holds them together. Needs two stories
    or more, with a sentence each.
    """
    assert len(stories) > 1, "other stories to mix with"
    random = Random(f"sentences mixed/{seed}")  # noqa: S311
    parted = [sentences_of(story) for story in stories]
    return [" ".join(_from_others(parted, number, random)) for number in range(len(parted))]


def _from_others(parted: Sequence[Sequence[str]], number: int, random: Random) -> list[str]:
    """As many sentences as story `number` has, none of them from it."""
    length = len(parted[number])
    others = [(number + random.randrange(1, len(parted))) % len(parted) for _ in range(length)]
    return [parted[other][place * len(parted[other]) // length] for place, other in enumerate(others)]


def looped(stories: Sequence[str], seed: int = 0) -> list[str]:
    """A random sentence of each is said again, over and over, in place of all that followed it.

    At least three times in all, and until the story is about as long as it was.
    """
    random = Random(f"looped/{seed}")  # noqa: S311
    return [_loop(sentences_of(story), random) for story in stories]


def _loop(sentences: Sequence[str], random: Random) -> str:
    place = random.randrange(len(sentences))
    times = max(3, len(sentences) - place)
    return " ".join([*sentences[:place], *[sentences[place]] * times])


def misspelt(stories: Sequence[str], seed: int = 0) -> list[str]:
    """Two neighbouring letters inside a tenth of the words of four letters or more have changed places."""
    random = Random(f"misspelt/{seed}")  # noqa: S311
    return [" ".join(_swapped(word, random) for word in story.split()) for story in stories]


def _swapped(word: str, random: Random) -> str:
    if len(word) < 4 or random.random() >= 0.1:
        return word
    at = random.randrange(1, len(word) - 2)
    return word[:at] + word[at + 1] + word[at] + word[at + 2 :]


def sentences_of(text: str) -> list[str]:
    """The sentences of a text, the last one whether or not it was ended.

    A sentence runs to `.`, `!`, `?` or `…` with the quotes and brackets that close there, unless a lower-case
    letter comes next: `"Why?" asked Tim.` is one.
    """
    return [sentence.strip() for sentence in _SENTENCE.findall(text) if sentence.strip()]
