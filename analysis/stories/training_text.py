"""What the measures of stories need of the training stories, read in one pass and in bounded memory.

Legend: W words of a chunk of stories, R runs of words.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from operator import length_hint

import numpy as np
from numpy.typing import NDArray

from analysis.stories.names import capitals_inside, names_among
from analysis.stories.words import cased_words, straight, words_of
from datamodules.word_runs import inside_one_text, run_hashes, text_ends, word_codes
from host.progress import OnProgress, silent

FLUENT, COPIED = 3, 13  # words of the runs that are looked for
_STORIES_AT_ONCE = 1000
_OTHER_WORD = 0  # the number of a word that no measured story has


@dataclass(frozen=True)
class TrainingText:
    """Words and names of the training stories, and which runs of the measured stories' words they hold.

    words: all words of the training stories, in lower case. names: those that name characters.
    """

    words: frozenset[str]
    names: frozenset[str]
    numbers: Mapping[str, int]  # of the measured stories' words, from 1
    runs: Mapping[int, Runs]  # by their size

    @classmethod
    def read(
        cls, training: Iterable[str], stories: Iterable[str], *, on_progress: OnProgress = silent
    ) -> TrainingText:
        """Stream the training stories once past all runs of 3 and of 13 words of `stories`.

        training: may read from disk; a thousand stories are held at a time, besides a count of each
        distinct word. stories: the texts of all stories to be measured, of however many settings; they are
        held in memory.
        """
        measured = [words_of(text) for text in stories]
        numbers: dict[str, int] = {}
        for words in measured:
            for word in words:
                numbers.setdefault(word, len(numbers) + 1)
        coded = _Coded.of(measured, numbers.__getitem__)
        runs = {size: Runs.of(coded.hashes(size)) for size in (FLUENT, COPIED)}
        written: Counter[str] = Counter()
        capitals: Counter[str] = Counter()
        for texts in _chunks(training, on_progress):
            capitals.update(word for text in texts for word in capitals_inside(straight(text)))
            cased = [cased_words(text) for text in texts]
            for words in cased:
                written.update(words)
            coded = _Coded.of(cased, lambda word: numbers.get(word.lower(), _OTHER_WORD))
            for size, looked_for in runs.items():
                looked_for.mark(coded.hashes(size))
        return cls(frozenset(map(str.lower, written)), names_among(written, capitals), numbers, runs)

    def holds(self, words: Sequence[str], size: int) -> NDArray[np.bool_]:
        """(R,) bool, per run of `size` words (3 or 13): whether a training story has it.

        `words` are all words of a story that this was read for.
        """
        assert all(word in self.numbers for word in words), "read the training text for this story"
        return self.runs[size].found(_Coded.of([words], self.numbers.__getitem__).hashes(size))


@dataclass(frozen=True)
class Runs:
    """Runs of words that are looked for, by their hashes, and which of them were found.

    A training set of 4 * 10**8 words and 10**6 runs give a false find with a probability of 2 * 10**-5.
    """

    hash_R: NDArray[np.uint64]  # ascending, distinct
    found_R: NDArray[np.bool_]

    @classmethod
    def of(cls, hash_R: NDArray[np.uint64]) -> Runs:
        distinct = np.unique(hash_R)
        return cls(distinct, np.zeros(len(distinct), dtype=bool))

    def mark(self, hash_R: NDArray[np.uint64]) -> None:
        """Note that these runs were found."""
        place_R, known_R = self._places(hash_R)
        self.found_R[place_R[known_R]] = True

    def found(self, hash_R: NDArray[np.uint64]) -> NDArray[np.bool_]:
        """Per run: whether it was found; all of them must have been looked for."""
        place_R, known_R = self._places(hash_R)
        assert known_R.all(), "read the training text for this story"
        return self.found_R[place_R]

    def _places(self, hash_R: NDArray[np.uint64]) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        """Where each hash stands, and whether it does."""
        if len(self.hash_R) == 0:
            return np.zeros(len(hash_R), dtype=np.int64), np.zeros(len(hash_R), dtype=bool)
        place_R = np.searchsorted(self.hash_R, hash_R).clip(max=len(self.hash_R) - 1)
        return place_R, self.hash_R[place_R] == hash_R


@dataclass(frozen=True)
class _Coded:
    """The words of some stories as codes, one story after the other."""

    code_W: NDArray[np.uint64]
    end_W: NDArray[np.int64]

    @classmethod
    def of(cls, stories: Sequence[Sequence[str]], number: Callable[[str], int]) -> _Coded:
        numbers = (number(word) for words in stories for word in words)
        lengths = np.array([len(words) for words in stories], dtype=np.int64)
        return cls(word_codes(np.fromiter(numbers, dtype=np.int64)), text_ends(lengths))

    def hashes(self, size: int) -> NDArray[np.uint64]:
        """(R,) of all runs of `size` words within one story, in order."""
        return run_hashes(self.code_W, size)[inside_one_text(self.end_W, size)]


def _chunks(stories: Iterable[str], on_progress: OnProgress) -> Iterator[list[str]]:
    """The stories, a thousand at a time, telling of those that are done."""
    total = length_hint(stories, 0)
    remaining, done = iter(stories), 0
    while texts := list(islice(remaining, _STORIES_AT_ONCE)):
        yield texts
        done += len(texts)
        on_progress("reading the training stories", done, total)
