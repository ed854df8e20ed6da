"""What tokenizers make of a corpus, against counts by hand."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pytest

from analysis.tokens.corpus import Kept, corpus_statistics
from analysis.tokens.pieces import Piece, SplitText
from analysis.tokens.words import NltkSplitter


class Letters:
    """A token for each letter; none for white space."""

    name, digest, special = "letters", "", 2

    def pieces(self, text: str) -> list[Piece]:
        return []

    def split(self, texts: Sequence[str]) -> Iterator[SplitText]:
        for text in texts:
            spans = [(at, at + 1) for at, letter in enumerate(text) if not letter.isspace()]
            yield SplitText(spans, text.count("?"), text.replace("?", "!"))


TEXTS = ["I am a man", "oh? a dog's life"] * 1500  # more than are looked at at once


def test_counts_are_those_by_hand() -> None:
    seen: list[tuple[int, int]] = []
    found = corpus_statistics(
        TEXTS,
        [Letters(), NltkSplitter()],
        on_progress=lambda _, done, total, **__: seen.append((done, total)),
    )
    letters, words = found.tokenizers
    assert (found.texts, found.words, found.bytes) == (3000, 4 * 3000, 26 * 1500)
    assert letters.tokens == (7 + 13) * 1500
    assert letters.tokens_a_word == pytest.approx(20 / 8)
    assert letters.whole_words == pytest.approx(3 / 8)  # I, a, a
    assert letters.bytes_a_token == pytest.approx(26 / 20)
    assert (letters.unknown, letters.not_restored) == (1500, 1500)
    assert letters.lengths == {
        "mean": 10,
        "5": 7,
        "25": 7,
        "50": 10,
        "75": 13,
        "95": 13,
        "99": 13,
        "longest": 13,
    }
    assert (words.tokens, words.not_restored) == ((4 + 6) * 1500, None)  # oh ? a dog 's life
    assert words.whole_words == pytest.approx(7 / 8)  # not dog's
    assert seen == [*((done, 3000) for done in range(256, 3000, 256)), (3000, 3000)]
    assert set(found.seconds) == {"letters", "nltk"}


def test_a_cut_leaves_room_for_the_special_tokens() -> None:
    [found] = corpus_statistics(["x" * 126, "x" * 127], [Letters()]).tokenizers
    assert found.kept["128"] == Kept(252 / 253, 0.5)
    assert found.kept["256"] == Kept(1.0, 1.0)
