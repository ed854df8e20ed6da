"""The n-grams of words that a model knows, each as one number.

Legend: S tokens of all texts, N places of n-grams, F n-grams that are known.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

Ids = TypeVar("Ids", bound=Any)


def key_of(words: Sequence[Ids], vocabulary: int) -> Ids:
    """The number of the n-gram of these words' ids, arrays or tensors of int64: digits of the base `vocabulary` + 1.

    No digit is 0, so n-grams of different lengths have different numbers.
    """
    first, *rest = words
    key = first + 1
    for word in rest:
        key = key * (vocabulary + 1) + (word + 1)
    return key


def known_ngrams(
    ids_S: NDArray[np.integer[Any]],
    lengths: NDArray[np.int64],
    *,
    vocabulary: int,
    longest: int,
    marks: Collection[int],
    least_texts: int,
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The n-grams of 1 to `longest` words that stand in at least `least_texts` texts, ascending, and in how many.

    lengths: tokens of each text. marks: ids that are no words, such as those of the end and of unknown words: no n-gram
    holds one.
    """
    text_S = np.repeat(np.arange(len(lengths)), lengths)
    word_S = ~np.isin(ids_S, np.array(sorted(marks), np.int64))
    found: list[NDArray[np.int64]] = []
    texts: list[NDArray[np.int64]] = []
    for length in range(1, longest + 1):
        starts_N = _starts(text_S, word_S, length)
        words = [ids_S[starts_N + place].astype(np.int64) for place in range(length)]
        keys_F, texts_F = _in_texts(key_of(words, vocabulary), text_S[starts_N])
        kept_F = texts_F >= least_texts
        found.append(keys_F[kept_F])
        texts.append(texts_F[kept_F])
    return np.concatenate(found), np.concatenate(texts)


def _starts(text_S: NDArray[np.int64], word_S: NDArray[np.bool_], length: int) -> NDArray[np.int64]:
    """Where an n-gram of `length` words begins that lies in one text and holds no mark."""
    last = len(text_S) - length + 1
    if last <= 0:
        return np.zeros(0, np.int64)
    whole = text_S[:last] == text_S[length - 1 :]
    for place in range(length):
        whole &= word_S[place : place + last]
    return np.flatnonzero(whole)


def _in_texts(
    keys_N: NDArray[np.int64], text_N: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Each key once, ascending, and in how many texts it stands."""
    keys_F, number_N = np.unique(keys_N, return_inverse=True)
    joined = np.sort(
        text_N * max(1, len(keys_F)) + number_N
    )  # numpy's own `unique` takes a hundred times as long
    once = joined[np.diff(joined, prepend=-1) > 0]
    return keys_F, np.bincount(once % max(1, len(keys_F)), minlength=len(keys_F))
