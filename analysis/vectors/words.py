"""The words of a text that is looked up in vectors or makes some."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from analysis.tokens.words import NltkSplitter

_ENDED = re.compile(r"(\w[\w'-]*)\.")  # `frog.`, and not `U.S.`


def words_of(texts: Sequence[str]) -> Iterator[list[str]]:
    """Of each text NLTK's words as they stand. NLTK expects one sentence at a time and leaves the period at the end of
    any but the last; here it is a word of its own."""
    splitter = NltkSplitter()
    for text, split in zip(texts, splitter.split(texts), strict=True):
        found: list[str] = []
        for start, end in split.spans:
            word = text[start:end]
            ended = _ENDED.fullmatch(word)
            found += [word] if ended is None else [ended[1], "."]
        yield found
