"""What a tokenizer makes of a text: pieces, each with its place."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class Piece:
    """text: as the tokenizer spells it. id: in its vocabulary; none: it has none. start, end: characters of the text,
    white space around them left out."""

    text: str
    id: int | None
    start: int
    end: int


@dataclass(frozen=True)
class SplitText:
    """Of one text of a corpus. spans: of its tokens, as `Piece` has them. unknown: tokens that stand for what the
    vocabulary lacks; unread: their spans. restored: the text that the ids give back; none: the tokenizer has no ids.
    """

    spans: Sequence[tuple[int, int]]
    unknown: int
    restored: str | None
    unread: frozenset[tuple[int, int]] = frozenset()

    def whole(self, words: set[tuple[int, int]]) -> int:
        """How many of the words, spans themselves, are one token that the vocabulary has."""
        found = words.intersection(self.spans) - self.unread
        if len(set(self.spans)) == len(self.spans):
            return len(found)
        counts = Counter(self.spans)  # a character in several bytes has as many tokens
        return sum(counts[word] == 1 for word in found)


class Splitter(Protocol):
    """A tokenizer. special: tokens that a model of it reads around a text. digest: changes when a text could be split
    otherwise."""

    name: str
    digest: str
    special: int

    def pieces(self, text: str) -> list[Piece]:
        """Of one text, special tokens left out."""
        ...

    def split(self, texts: Sequence[str]) -> Iterator[SplitText]:
        """Of each text, in order."""
        ...


def stripped(text: str, start: int, end: int) -> tuple[int, int]:
    """The span without the white space at its ends; one of white space alone stays."""
    inner = text[start:end]
    left = len(inner) - len(inner.lstrip())
    return (start, end) if left == len(inner) else (start + left, start + len(inner.rstrip()))
