"""NLTK's words: `NLTKWordTokenizer`, which follows the Penn Treebank and needs no downloaded data."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from importlib.metadata import version

from analysis.tokens.pieces import Piece, SplitText

NLTK = "nltk"
_QUOTES = {"``", "''"}  # what it writes for quotation marks


class NltkSplitter:
    """Words and punctuation of a text, as they stand in it."""

    name = NLTK
    special = 0

    def __init__(self) -> None:
        from nltk.tokenize import NLTKWordTokenizer

        self.digest = f"{NLTK}-{version(NLTK)}"
        self._tokenizer = NLTKWordTokenizer()

    def pieces(self, text: str) -> list[Piece]:
        return [Piece(text[start:end], None, start, end) for start, end in self._spans(text)]

    def split(self, texts: Sequence[str]) -> Iterator[SplitText]:
        return (SplitText(self._spans(text), 0, None) for text in texts)

    def _spans(self, text: str) -> list[tuple[int, int]]:
        """Its tokens hold every character but white space, in order, so each begins where the one before it ended.

        (NLTK's own `span_tokenize` looks for quotation marks in another order and fails over some texts.)
        """
        found, at = list[tuple[int, int]](), 0
        for token in self._tokenizer.tokenize(text):
            while text[at].isspace():
                at += 1
            length = len(token)
            if token in _QUOTES and text[at] == '"':
                length = 1
            assert token in _QUOTES or text.startswith(token, at), (token, at)
            found.append((at, at + length))
            at += length
        return found
