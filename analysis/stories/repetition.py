"""Repetition: repeated n-grams within a story, loops, and how many n-grams of a sample are distinct."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

NGram = tuple[str, ...]
LOOP_WORDS = 4
MIN_TIMES = 3
MIN_SHARE = 0.04


def ngrams(words: Sequence[str], size: int) -> list[NGram]:
    """All runs of `size` words, in order."""
    return list(zip(*(words[begin:] for begin in range(size)), strict=False))


def repeated(words: Sequence[str], size: int = 4) -> float:
    """Share of the n-grams that occurred before: 1 - distinct / all; 0 where there is none.

    seq-rep-n of Welleck et al. 2019, https://arxiv.org/abs/1908.04319, here over words.
    """
    grams = ngrams(words, size)
    return 1 - len(set(grams)) / len(grams) if grams else 0.0


def loops(words: Sequence[str]) -> bool:
    """Whether the words go round in a loop: said again at once, or over and over.

    Said again at once: there is a period of p words such that at least max(4, p) words in succession equal
    the word p before them. Over and over: a 4-gram stands there three times or more and is at least 4 % of
    all 4-grams.
    """
    places: dict[NGram, list[int]] = {}
    for place, gram in enumerate(ngrams(words, LOOP_WORDS)):
        places.setdefault(gram, []).append(place)
    times = max(map(len, places.values()), default=0)
    if times >= MIN_TIMES and times >= MIN_SHARE * (len(words) - LOOP_WORDS + 1):
        return True
    # What is said again after a period repeats a 4-gram after it, so no other period need be tried.
    periods = {later - place for found in places.values() for place, later in combinations(found, 2)}
    return _said_again_at_once(words, periods)


def _said_again_at_once(words: Sequence[str], periods: Iterable[int]) -> bool:
    numbers: dict[str, int] = {}
    word_W = np.array([numbers.setdefault(word, len(numbers)) for word in words])
    return any(
        _longest_run(word_W[period:] == word_W[:-period]) >= max(LOOP_WORDS, period) for period in periods
    )


def _longest_run(true_W: NDArray[np.bool_]) -> int:
    """Length of the longest run of True."""
    false = np.flatnonzero(~true_W)
    return int(np.diff(false, prepend=-1, append=len(true_W)).max(initial=1)) - 1


def distinct(stories: Iterable[Sequence[str]], size: int) -> float:
    """Share of distinct ones among all n-grams of a sample of stories; 0 where there is none.

    distinct-n of Li et al. 2016, https://arxiv.org/abs/1510.03055, who divide by the words instead of the
    n-grams. It falls as the sample grows: only samples of one size and length compare.
    """
    seen: set[NGram] = set()
    total = 0
    for words in stories:
        grams = ngrams(words, size)
        seen.update(grams)
        total += len(grams)
    return len(seen) / total if total else 0.0
