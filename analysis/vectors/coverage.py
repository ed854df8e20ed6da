"""How many words of a corpus have a vector."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from analysis.vectors.words import words_of
from datamodules.word_vectors import WordVectors
from host.progress import OnProgress, silent

_AT_ONCE = 256
_MISSING = 30
_STEPS = (1, 2, 5)


@dataclass(frozen=True)
class Missing:
    """A word without a vector, in lower case, and how often it stands in the corpus."""

    word: str
    count: int


@dataclass(frozen=True)
class Kept:
    """The share of tokens that the first so many words of the vectors have."""

    words: int
    tokens: float


@dataclass(frozen=True)
class Coverage:
    """texts, tokens, words: of the corpus; words: different ones, in lower case. known_tokens, known_words: those with
    a vector. lowered: known tokens that have it in lower case alone. whole_texts: in which every token has one.
    missing: the most frequent words without."""

    texts: int
    tokens: int
    words: int
    known_tokens: int
    known_words: int
    lowered: int
    whole_texts: int
    missing: tuple[Missing, ...]
    kept: tuple[Kept, ...]


def coverage(texts: Sequence[str], vectors: WordVectors, *, on_progress: OnProgress = silent) -> Coverage:
    """Tokens are those of `words_of`, looked up as they stand and then in lower case; each different one is kept."""
    rows, found, whole = vectors.rows, Counter[str](), 0
    for begin in range(0, len(texts), _AT_ONCE):
        for tokens in words_of(texts[begin : begin + _AT_ONCE]):
            found.update(tokens)
            whole += all(token in rows or token.lower() in rows for token in tokens)
        on_progress("looking up words", min(begin + _AT_ONCE, len(texts)), len(texts))
    return _told(found, vectors, len(texts), whole)


def _told(found: Counter[str], vectors: WordVectors, texts: int, whole: int) -> Coverage:
    rows, at_row, missing = vectors.rows, np.zeros(len(vectors.words), np.int64), Counter[str]()
    lowered, words, known = 0, set[str](), set[str]()
    for token, count in found.items():
        lower = token.lower()
        words.add(lower)
        row = rows.get(token, rows.get(lower))
        if row is None:
            missing[lower] += count
        else:
            known.add(lower)
            at_row[row] += count
            lowered += count * (token not in rows)
    tokens = found.total()
    most = sorted(missing.items(), key=lambda item: (-item[1], item[0]))[:_MISSING]
    kept_so_far = np.cumsum(at_row)
    return Coverage(
        texts=texts,
        tokens=tokens,
        words=len(words),
        known_tokens=int(at_row.sum()),
        known_words=len(known),
        lowered=lowered,
        whole_texts=whole,
        missing=tuple(Missing(*one) for one in most),
        kept=tuple(
            Kept(size, float(kept_so_far[size - 1] / max(tokens, 1))) for size in _sizes(len(vectors.words))
        ),
    )


def _sizes(most: int) -> Iterator[int]:
    """100, 200, 500, 1,000 … and all."""
    power = 100
    while power < most:
        yield from (step * power for step in _STEPS if step * power < most)
        power *= 10
    yield most
