"""Where tokenizers split one text differently."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from analysis.tokens.pieces import Piece

_WORD = re.compile(r"\S+")


@dataclass(frozen=True)
class Way:
    """One way to split a word, and the tokenizers that go it. pieces: of the text, uncased as it stands there."""

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
    for word in _WORD.finditer(text):
        start, end = word.span()
        ways: dict[tuple[str, ...], list[str]] = {}
        for name, pieces in split.items():
            spans = dict.fromkeys(
                (max(piece.start, start), min(piece.end, end))
                for piece in pieces
                if piece.start < end and piece.end > start
            )
            ways.setdefault(tuple(text[left:right] for left, right in spans), []).append(name)
        if len(ways) > 1:
            told = tuple(Way(tuple(names), pieces) for pieces, names in ways.items())
            found.append(Disagreement(word[0], start, end, told))
    return found
