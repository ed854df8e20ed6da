"""Where tokenizers split one text differently."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice, takewhile

from analysis.tokens.pieces import Piece

_WORD = re.compile(r"\S+")


@dataclass(frozen=True)
class Way:
    """One way to split a word, and the tokenizers that go it. pieces: parts of the text, as they stand there, with a
    count behind one that several tokens share, as a character in several bytes is."""

    names: tuple[str, ...]
    pieces: tuple[str, ...]


@dataclass(frozen=True)
class Disagreement:
    """A word, of characters start to end, that is split in more than one way."""

    word: str
    start: int
    end: int
    ways: tuple[Way, ...]


def disagreements(text: str, split: Mapping[str, Sequence[Piece]]) -> list[Disagreement]:
    """Words (between white space) on whose cuts the tokenizers do not agree. split: pieces, by the tokenizer's name."""
    found: list[Disagreement] = []
    passed = dict.fromkeys(split, 0)  # pieces of each that end before the word
    for word in _WORD.finditer(text):
        start, end = word.span()
        ways: dict[tuple[str, ...], list[str]] = {}
        for name, pieces in split.items():
            at = passed[name]
            while at < len(pieces) and pieces[at].end <= start:
                at += 1
            passed[name] = at
            of_word = takewhile(lambda piece: piece.start < end, islice(pieces, at, None))  # noqa: B023 used at once
            spans = Counter((max(piece.start, start), min(piece.end, end)) for piece in of_word)
            parts = tuple(_part(text[left:right], tokens) for (left, right), tokens in spans.items())
            ways.setdefault(parts, []).append(name)
        if len(ways) > 1:
            told = tuple(Way(tuple(names), pieces) for pieces, names in ways.items())
            found.append(Disagreement(word[0], start, end, told))
    return found


def _part(text: str, tokens: int) -> str:
    return text if tokens == 1 else f"{text} x{tokens}"


class Marks:
    """Places of a text, none within another, in order: whether a piece touches one of them."""

    def __init__(self, places: Sequence[tuple[int, int]]) -> None:
        self._starts = [start for start, _ in places]
        self._ends = [end for _, end in places]

    def touch(self, start: int, end: int) -> bool:
        at = bisect_right(self._ends, start)
        return at < len(self._starts) and self._starts[at] < end
