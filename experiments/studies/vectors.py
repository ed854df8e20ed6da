"""The study of word vectors: what they say of words, of a corpus, and how they do in tests that people answered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import field_validator

from experiments.studies.corpora import CorpusTexts, corpus_texts, pinned_corpus
from experiments.studies.study import Findings, Prepared
from experiments.studies.vectors_question import (
    AnalogyAsked,
    BenchmarksAsked,
    CoverageAsked,
    NearestAsked,
    OddAsked,
    Question,
    title,
    words_asked,
)
from host.progress import OnProgress, Reporter, working
from schema.strict import Strict, absolute

if TYPE_CHECKING:
    from datamodules.word_vectors import WordVectors

KIND = "vectors"
_DIGITS = 6  # behind the point, of what is found: float32 has no more
_SHOWN = 6  # neighbours of a word in a picture


class VectorsRequest(Strict):
    """path: of the vectors, a file or its folder."""

    path: str
    question: Question

    @field_validator("path")
    @classmethod
    def _absolute(cls, path: str) -> str:
        return absolute(path)


def prepare(asked: VectorsRequest, *, root: Path, reporter: Reporter) -> Prepared:
    """UserError for vectors that are not there or do not hold, words that they lack, and where gensim is missing."""
    from analysis.vectors.benchmarks import digests
    from analysis.vectors.keyed import check_words, gensim_models
    from datamodules.word_vectors import read_word_vectors

    gensim_models()
    question, corpus, cache_dir = asked.question, None, root / "cache"
    with working(reporter, "reading word vectors"):
        vectors = read_word_vectors(Path(asked.path))
        check_words(vectors, words_asked(question))
    prints = {"vectors": vectors.digest}
    if isinstance(question, CoverageAsked):
        pinned = pinned_corpus(question.corpus, cache_dir=cache_dir)
        asked = asked.model_copy(update={"question": question.model_copy(update={"corpus": pinned})})
        corpus = corpus_texts(pinned, cache_dir=cache_dir, reporter=reporter)
        prints["texts"] = corpus.fingerprint
    elif isinstance(question, BenchmarksAsked):
        prints |= digests()
    return Prepared(
        kind=KIND,
        request=asked,
        title=f"vectors: {title(question.model_dump())}",
        fingerprints=prints,
        work=partial(_study, question, vectors, corpus),
    )


def _study(question: Any, vectors: WordVectors, corpus: CorpusTexts | None, reporter: Reporter) -> Findings:
    from analysis.vectors.keyed import keyed
    from experiments.studies.vectors_page import vectors_page, vectors_pictures

    with reporter.progress() as on_progress:
        on_progress("looking up", 0, 0)
        found = (
            _of_corpus(vectors, corpus, on_progress)
            if corpus is not None
            else _of_words(question, keyed(vectors), on_progress)
        )
    content = {
        "question": _without_path(question),
        "vectors": {
            "file": Path(vectors.origin).name,
            "words": len(vectors.words),
            "dimensions": vectors.dimensions,
            "digest": vectors.digest,
        },
        **rounded(found),
    }
    return Findings(content, vectors_page(content), vectors_pictures(content), _metrics(content))


def _without_path(question: Any) -> dict[str, Any]:
    told = question.model_dump(mode="json")
    if "corpus" in told:
        del told["corpus"]["path"]
    return told


def _of_corpus(vectors: WordVectors, corpus: CorpusTexts, on_progress: OnProgress) -> dict[str, Any]:
    from analysis.vectors.coverage import coverage

    return {"origin": corpus.origin, **asdict(coverage(corpus.texts, vectors, on_progress=on_progress))}


def _of_words(question: Any, keyed: Any, on_progress: OnProgress) -> dict[str, Any]:
    from analysis.vectors import likeness
    from analysis.vectors.benchmarks import benchmarks

    match question:
        case BenchmarksAsked():
            return asdict(benchmarks(keyed, on_progress=on_progress))
        case NearestAsked():
            near = likeness.neighbours(keyed, question.word, question.count)
            found = {"neighbours": [asdict(one) for one in near]}
            beside = [one.word for one in near[: 4 * _SHOWN]]
        case AnalogyAsked():
            answer = likeness.analogy(keyed, question.positive, question.negative, question.count)
            found = asdict(answer)
            beside = [one.word for one in answer.excluded[:_SHOWN]]
        case OddAsked():
            found = {"centrality": [asdict(one) for one in likeness.centrality(keyed, question.words)]}
            beside = _beside(keyed, question.words)
        case _:
            found = {"pairs": [asdict(one) for one in likeness.pairs(keyed, question.words)]}
            beside = _beside(keyed, question.words)
    return {**found, "plane": drawn_words(keyed, words_asked(question), beside)}


def _beside(keyed: Any, words: Sequence[str]) -> list[str]:
    """Neighbours of each word, fewer where there are many words."""
    from analysis.vectors.likeness import neighbours

    count = max(1, min(_SHOWN, 40 // len(words)))
    return [one.word for word in words for one in neighbours(keyed, word, count)]


def drawn_words(keyed: Any, asked: Sequence[str], beside: Sequence[str]) -> dict[str, Any]:
    """Where the words lie in the plane of their first two principal components; each word once."""
    from analysis.vectors.plane import plane

    words = list(dict.fromkeys([*asked, *beside]))
    found = plane(keyed[words])
    points = [
        {"word": word, "x": x, "y": y, "asked": word in asked}
        for word, (x, y) in zip(words, found.points, strict=True)
    ]
    return {"points": points, "kept": list(found.kept)}


def rounded(found: Any) -> Any:
    """Every number that is not whole, to six digits: the last ones differ between processors."""
    if isinstance(found, float):
        return round(found, _DIGITS) + 0.0
    if isinstance(found, Mapping):
        return {key: rounded(value) for key, value in found.items()}
    return [rounded(one) for one in found] if isinstance(found, list | tuple) else found


def _metrics(found: Mapping[str, Any]) -> dict[str, float]:
    match found["question"]["kind"]:
        case "similarity":
            told = {"similarity": found["pairs"][0]["similarity"]}
        case "nearest":
            told = {"nearest": found["neighbours"][0]["similarity"]} if found["neighbours"] else {}
        case "analogy":
            told = {name: found[name][0]["similarity"] for name in ("excluded", "included") if found[name]}
        case "odd":
            told = {"odd": found["centrality"][-1]["similarity"]}
        case "coverage":
            told = {
                "known_tokens": found["known_tokens"] / max(found["tokens"], 1),
                "known_words": found["known_words"] / max(found["words"], 1),
                "whole_texts": found["whole_texts"] / found["texts"],
            }
        case _:
            total = found["total"]
            told = {
                one["name"]: one["correlation"] for one in found["pairs"] if one["correlation"] is not None
            }
            if total["questions"]:
                told |= {
                    f"analogies_{way}": total[way] / total["questions"] for way in ("excluded", "included")
                }
    return {f"study/{name}": float(value) for name, value in told.items()}
