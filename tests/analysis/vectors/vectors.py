"""Vectors for tests: few words whose angles are known."""

from __future__ import annotations

import numpy as np

from datamodules.word_vectors import WordVectors, word_vectors

WORDS = ("king", "queen", "man", "woman", "frog", "toad", "newt", ".")
MATRIX = np.array(
    [[4, 1, 0], [4, -1, 0], [2, 1, 0], [2, -1, 0], [0, 0.1, 5], [0, 0, 5], [0, -0.1, 5], [-1, 0, 0]],
    np.float32,
)


def small_vectors() -> WordVectors:
    return word_vectors(WORDS, MATRIX, origin="small.txt")
