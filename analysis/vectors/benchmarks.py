"""Tests of word vectors that people answered: likeness of pairs (WordSim-353, SimLex-999), Google's analogies.

Legend: A analogies of a batch, V words, D numbers of a vector.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from analysis.vectors.keyed import gensim_models
from errors import UserError
from host.progress import OnProgress, silent

PAIRS: Mapping[str, str] = {"WordSim-353": "wordsim353.tsv", "SimLex-999": "simlex999.txt"}
ANALOGIES = "questions-words.txt"
MOST_WORDS = 300_000  # the first of the vectors; rarer words are no answers
_LEAST = 3  # pairs of which a rank correlation says anything
_AT_ONCE = 64


@dataclass(frozen=True)
class PairsScore:
    """correlation: Spearman's, of the cosine with what people said; none for fewer than three pairs. pairs: of which
    both words have a vector. unknown: the others."""

    name: str
    correlation: float | None
    pairs: int
    unknown: int


@dataclass(frozen=True)
class AnalogiesScore:
    """Of a section, or all. excluded, included: right answers where the words of the question are no answers, and where
    they are. questions: of which all four words have a vector."""

    section: str
    excluded: int
    included: int
    questions: int


@dataclass(frozen=True)
class Benchmarks:
    """unknown: analogies that were left out, since a word of theirs has no vector."""

    pairs: tuple[PairsScore, ...]
    sections: tuple[AnalogiesScore, ...]
    total: AnalogiesScore
    unknown: int


def files() -> dict[str, Path]:
    """The three files, which are in gensim's package. UserError where somebody left them out."""
    folder = Path(gensim_models().__file__).parents[1] / "test" / "test_data"
    found = {name: folder / name for name in (*PAIRS.values(), ANALOGIES)}
    for file in found.values():
        if not file.is_file():
            raise UserError(
                "no such file", where=str(file), cure="Install gensim from its wheel, which has it."
            )
    return found


def digests() -> dict[str, str]:
    """sha256 of each of the files."""
    return {name: hashlib.sha256(file.read_bytes()).hexdigest() for name, file in files().items()}


def benchmarks(vectors: Any, *, on_progress: OnProgress = silent) -> Benchmarks:
    """All three, without regard to case. vectors: KeyedVectors, frequent words first."""
    found = files()
    known = {word.upper() for word in vectors.index_to_key[:MOST_WORDS]}
    pairs = tuple(_pairs(vectors, name, found[file], known) for name, file in PAIRS.items())
    on_progress("analogies", 0, 0)
    _, sections = vectors.evaluate_word_analogies(str(found[ANALOGIES]), restrict_vocab=MOST_WORDS)
    *parts, total = [
        (one["section"], one["correct"], [*one["correct"], *one["incorrect"]]) for one in sections
    ]
    included = _Included(vectors)
    scores: list[AnalogiesScore] = []
    for number, (name, right, asked) in enumerate(parts):
        scores.append(AnalogiesScore(name, len(right), included.right(asked), len(asked)))
        on_progress("analogies, inputs included", number + 1, len(parts))
    lines = found[ANALOGIES].read_text(encoding="utf-8").splitlines()
    unknown = sum(not line.startswith(":") for line in lines if line.strip()) - len(total[2])
    whole = AnalogiesScore("all", len(total[1]), sum(one.included for one in scores), len(total[2]))
    return Benchmarks(pairs, tuple(scores), whole, unknown)


def _pairs(vectors: Any, name: str, file: Path, known: set[str]) -> PairsScore:
    lines = [
        line.upper().split("\t")[:2]
        for line in file.read_text(encoding="utf-8").splitlines()
        if line.strip() and not line.startswith("#")
    ]
    both = sum(left in known and right in known for left, right in lines)
    correlation = None
    if both >= _LEAST:
        _, spearman, _ = vectors.evaluate_word_pairs(str(file), restrict_vocab=MOST_WORDS)
        correlation = float(spearman.statistic)
    return PairsScore(name, correlation, both, len(lines) - both)


class _Included:
    """Answers to analogies where every word may be one. gensim's evaluation leaves the words of a question out."""

    def __init__(self, vectors: Any) -> None:
        words = vectors.index_to_key[:MOST_WORDS]
        self._names = [word.upper() for word in words]
        self._rows = {name: row for row, name in reversed(list(enumerate(self._names)))}
        matrix_VD = vectors.vectors[:MOST_WORDS]
        self._unit_VD: NDArray[np.float32] = matrix_VD / np.linalg.norm(matrix_VD, axis=1, keepdims=True)

    def right(self, asked: Sequence[tuple[str, str, str, str]]) -> int:
        """Of questions a : b = c : d, in capitals, those whose nearest word to b - a + c is d."""
        right = 0
        for begin in range(0, len(asked), _AT_ONCE):
            some = asked[begin : begin + _AT_ONCE]
            a_A, b_A, c_A = ([self._rows[one[place]] for one in some] for place in range(3))
            sums_AD = self._unit_VD[b_A] - self._unit_VD[a_A] + self._unit_VD[c_A]
            nearest_A = (sums_AD @ self._unit_VD.T).argmax(axis=1)
            right += sum(self._names[row] == one[3] for row, one in zip(nearest_A, some, strict=True))
        return right
