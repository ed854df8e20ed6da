"""What may be asked of word vectors."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, StringConstraints

from experiments.studies.corpora import CorpusRequest
from schema.strict import Strict, check_text

Word = Annotated[str, StringConstraints(min_length=1, max_length=100), AfterValidator(check_text)]
Count = Annotated[int, Field(ge=1, le=1000)]


class SimilarityAsked(Strict):
    """How alike every two of the words are."""

    kind: Literal["similarity"] = "similarity"
    words: tuple[Word, ...] = Field(min_length=2, max_length=50, strict=False)


class NearestAsked(Strict):
    """The nearest words of one."""

    kind: Literal["nearest"] = "nearest"
    word: Word
    count: Count = 10


class AnalogyAsked(Strict):
    """The words nearest to a sum of vectors."""

    kind: Literal["analogy"] = "analogy"
    positive: tuple[Word, ...] = Field(min_length=1, max_length=50, strict=False)
    negative: tuple[Word, ...] = Field(max_length=50, strict=False)
    count: Count = 10


class OddAsked(Strict):
    """The word that is least like the others."""

    kind: Literal["odd"] = "odd"
    words: tuple[Word, ...] = Field(min_length=3, max_length=50, strict=False)


class CoverageAsked(Strict):
    """How many words of a corpus have a vector."""

    kind: Literal["coverage"] = "coverage"
    corpus: CorpusRequest


class BenchmarksAsked(Strict):
    """WordSim-353, SimLex-999 and Google's analogies."""

    kind: Literal["benchmarks"] = "benchmarks"


Question = Annotated[
    SimilarityAsked | NearestAsked | AnalogyAsked | OddAsked | CoverageAsked | BenchmarksAsked,
    Field(discriminator="kind"),
]


def title(question: Mapping[str, Any]) -> str:
    """What was asked, in a few words."""
    match question["kind"]:
        case "similarity":
            told = " ".join(question["words"])
        case "nearest":
            told = f"nearest to {question['word']}"
        case "analogy":
            told = " - ".join([" + ".join(question["positive"]), *question["negative"]])
        case "odd":
            told = f"the odd one of {' '.join(question['words'])}"
        case "coverage":
            told = f"coverage of {question['corpus']['kind']} {question['corpus']['split']}"
        case _:
            told = "benchmarks"
    return told if len(told) <= 48 else f"{told[:47]}…"


def words_asked(question: Any) -> tuple[str, ...]:
    match question:
        case SimilarityAsked() | OddAsked():
            return question.words
        case NearestAsked():
            return (question.word,)
        case AnalogyAsked():
            return (*question.positive, *question.negative)
        case _:
            return ()
