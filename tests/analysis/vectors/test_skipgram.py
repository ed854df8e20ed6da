"""Skip-gram: the same bytes in another process, and words that stand in one place lie together."""

from __future__ import annotations

import os
import subprocess
import sys
from itertools import product

import pytest

from analysis.vectors import keyed
from analysis.vectors.skipgram import SkipGram, train
from errors import UserError

TEXTS = [
    *(f"The {animal} sat on a {place}." for animal, place in product(["cat", "dog"], ["mat", "rug"])),
    *(f"We paid {number} dollars at noon." for number in ("two", "three", "four")),
] * 600  # several batches of gensim's, which two threads would take as they like
SETTINGS = SkipGram(dimensions=12, epochs=6, least=2)
_SCRIPT = """
from tests.analysis.vectors.test_skipgram import SETTINGS, TEXTS
from analysis.vectors.skipgram import train
print(train(TEXTS, SETTINGS, origin="here").vectors.digest)
"""


@pytest.mark.slow
def test_the_same_bytes_whatever_a_process_hashes_by() -> None:
    first = train(TEXTS, SETTINGS, origin="here")
    assert first.counts[: first.vectors.words.index(".") + 1][-1] == 4200
    assert first.tokens == 600 * (4 * 7 + 3 * 7)
    found = subprocess.run(
        [sys.executable, "-c", _SCRIPT],
        env={**os.environ, "PYTHONHASHSEED": "77", "PYTHONPATH": "."},
        capture_output=True,
        text=True,
        check=True,
    )
    assert found.stdout.strip() == first.vectors.digest
    other = SkipGram(dimensions=12, epochs=6, least=2, seed=1)
    assert train(TEXTS, other, origin="here").vectors.digest != first.vectors.digest


def test_words_in_one_place_are_alike() -> None:
    vectors = keyed.keyed(train(TEXTS, SkipGram(dimensions=12, epochs=20, least=2), origin="here").vectors)
    assert vectors.similarity("cat", "dog") > vectors.similarity("cat", "dollars")
    assert vectors.similarity("two", "three") > vectors.similarity("two", "mat")


def test_words_that_are_too_rare_are_left_out_and_none_at_all_is_told() -> None:
    assert "once" not in train([*TEXTS, "once only"], SETTINGS, origin="here").vectors.words
    with pytest.raises(UserError, match="no word that stands there 5 times"):
        train(["a b c"], SkipGram(), origin="here")
