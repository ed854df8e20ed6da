"""From the pieces of a tokenizer to words, in spans and in matrices.

Legend: T pieces, W words; any axes may stand before.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.floating]


def words_of(
    text: str, spans: Sequence[tuple[int, int]], units: Sequence[int | None], special: Sequence[bool]
) -> list[int]:
    """The word (0, 1, …) of each piece.

    spans: of its characters. units: what the tokenizer had split the text into before it made pieces, which tells
    punctuation from a word; none where it does not say. A special token is a word of its own. A new word begins after
    white space, at another unit, and beside a special token.
    """
    words: list[int] = []
    for at in range(len(spans)):
        first = at == 0
        apart = (
            first
            or special[at]
            or special[at - 1]
            or units[at] != units[at - 1]
            or _after_space(text, spans[at - 1], spans[at])
        )
        words.append((words[-1] + 1 if words else 0) if apart else words[-1])
    return words


def _after_space(text: str, before: tuple[int, int], span: tuple[int, int]) -> bool:
    """Whether there is white space between two pieces, or the second begins with some, as GPT-2's do."""
    return any(character.isspace() for character in text[before[1] : span[0] + 1])


def by_words(matrix_TT: Floats, words: Sequence[int]) -> Floats:
    """Weights between pieces (…, T, T) as weights between words (…, W, W): to a word, those to its pieces together;
    from a word, the mean of those from its pieces (Clark et al. 2019, arXiv 1906.04341). Rows keep their sum."""
    sums_TW = _membership(words)
    return np.swapaxes(sums_TW / sums_TW.sum(0), 0, 1) @ (matrix_TT @ sums_TW)


def summed(values_T: Floats, words: Sequence[int]) -> NDArray[np.float64]:
    """What belongs to each piece (…, T), together for each word (…, W)."""
    return values_T @ _membership(words)


def _membership(words: Sequence[int]) -> NDArray[np.float64]:
    found = np.zeros((len(words), words[-1] + 1))
    found[np.arange(len(words)), list(words)] = 1.0
    return found
