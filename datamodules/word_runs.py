"""Runs of words as 64-bit hashes, so that millions of them compare in numpy.

The hash of a run of n words is a polynomial in their codes, modulo 2**64 (Karp & Rabin 1987,
https://doi.org/10.1147/rd.312.0249). Among 10**6 runs a false match has a probability of about 10**-8.

Legend: W words of all texts together, R runs of words.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

# Odd 64-bit constants (golden ratio and a splitmix64 multiplier).
_BASE = np.uint64(0x9E3779B97F4A7C15)
_MIX = np.uint64(0xBF58476D1CE4E5B9)


def word_codes(numbers_W: NDArray[np.int64]) -> NDArray[np.uint64]:
    """(W,) uint64 codes of words that are numbered from 0."""
    return numbers_W.astype(np.uint64) * _MIX


def lengthened(hash_R: NDArray[np.uint64], codes_W: NDArray[np.uint64], size: int) -> NDArray[np.uint64]:
    """Hashes of the runs of `size` words, from those of the runs of size - 1 words that begin there."""
    runs = max(len(codes_W) - size + 1, 0)
    return hash_R[:runs] * _BASE + codes_W[size - 1 :]


def run_hashes(codes_W: NDArray[np.uint64], size: int) -> NDArray[np.uint64]:
    """(W - size + 1,) hashes of all runs of `size` words; none where there are fewer words."""
    hash_R = np.zeros_like(codes_W)
    for length in range(1, size + 1):
        hash_R = lengthened(hash_R, codes_W, length)
    return hash_R


def text_ends(words: NDArray[np.int64]) -> NDArray[np.int64]:
    """(W,) one past the last word of the text that each word belongs to; `words`: per text, how many."""
    return np.repeat(np.cumsum(words), words)


def inside_one_text(end_W: NDArray[np.int64], size: int) -> NDArray[np.bool_]:
    """(W - size + 1,) whether the run of `size` words that begins at each word stays in its text."""
    runs = max(len(end_W) - size + 1, 0)
    return np.arange(runs) + size <= end_W[:runs]
