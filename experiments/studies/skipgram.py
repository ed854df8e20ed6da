"""The study that makes word vectors from a corpus."""

from __future__ import annotations

from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import Field, field_validator

from experiments.studies.corpora import CorpusRequest, CorpusTexts, corpus_texts, pinned_corpus
from experiments.studies.study import Findings, Prepared
from experiments.studies.vectors import drawn_words, rounded
from host.progress import Reporter, working
from runs.layout import STUDY_VECTORS
from schema.strict import Strict, absolute

if TYPE_CHECKING:
    from analysis.vectors.mapping import Extended
    from datamodules.word_vectors import WordVectors

KIND = "skipgram"
_MOST_FREQUENT, _LONG, _NEIGHBOURS = 12, 4, 5


class ExtendedVectors(Strict):
    """path: of vectors, a file or its folder, to which words are added that they lack. beside: instead, of each word of
    the corpus its vector there and its own behind it."""

    path: str
    beside: bool = False

    @field_validator("path")
    @classmethod
    def _absolute(cls, path: str) -> str:
        return absolute(path)


class SkipGramRequest(Strict):
    """As `analysis.vectors.skipgram.SkipGram` has them."""

    corpus: CorpusRequest
    extends: ExtendedVectors | None = None
    """Vectors in whose space the new ones are; none: a space of their own."""
    dimensions: int = Field(default=50, ge=1, le=1000)
    window: int = Field(default=5, ge=1, le=100)
    least: int = Field(default=5, ge=1)
    negative: int = Field(default=5, ge=1, le=100)
    epochs: int = Field(default=5, ge=1, le=1000)
    seed: int = Field(default=0, ge=0, le=2**32 - 1)


def prepare(asked: SkipGramRequest, *, root: Path, reporter: Reporter) -> Prepared:
    """UserError for a corpus or vectors that are not there, and where gensim is missing."""
    from analysis.vectors.keyed import gensim_models
    from datamodules.word_vectors import read_word_vectors

    gensim_models()
    cache_dir, known = root / "cache", None
    if asked.extends is not None:
        with working(reporter, "reading word vectors"):
            known = read_word_vectors(Path(asked.extends.path))
    request = asked.model_copy(update={"corpus": pinned_corpus(asked.corpus, cache_dir=cache_dir)})
    with working(reporter, "reading texts"):
        corpus = corpus_texts(request.corpus, cache_dir=cache_dir, reporter=reporter)
    return Prepared(
        kind=KIND,
        request=request,
        title=f"vectors of {request.corpus.kind} {request.corpus.split}",
        fingerprints={"texts": corpus.fingerprint, **({} if known is None else {"vectors": known.digest})},
        work=partial(_study, request, corpus, known),
    )


def _study(
    request: SkipGramRequest, corpus: CorpusTexts, known: WordVectors | None, reporter: Reporter
) -> Findings:
    from analysis.vectors.keyed import keyed
    from analysis.vectors.skipgram import SkipGram, train
    from datamodules.word_vectors import parquet_of
    from experiments.studies.skipgram_page import skipgram_page, skipgram_pictures

    settings = SkipGram(**request.model_dump(exclude={"corpus", "extends"}))
    with reporter.progress() as on_progress:
        trained = train(corpus.texts, settings, origin=corpus.origin, on_progress=on_progress)
    made = None if known is None else _with_known(request, known, trained.vectors)
    vectors = trained.vectors if made is None else made.vectors
    content: dict[str, Any] = {
        "origin": corpus.origin,
        "texts": len(corpus.texts),
        "tokens": trained.tokens,
        "settings": asdict(settings),
        "words": len(trained.vectors.words),
        "digest": vectors.digest,
        **rounded(_seen(keyed(vectors), trained.vectors.words)),
    }
    if known is not None and made is not None:
        file, all_words = Path(known.origin).name, len(vectors.words)
        added = {"file": file, "shared": made.shared, "added": made.added, "explained": made.explained}
        content["extends"] = rounded({**added, "words": all_words})
    return Findings(
        content=content,
        page=skipgram_page(content),
        pictures=skipgram_pictures(content),
        metrics={"study/tokens": float(trained.tokens), "study/words": float(len(vectors.words))},
        files={Path(STUDY_VECTORS).name: parquet_of(vectors)},
    )


def _with_known(request: SkipGramRequest, known: WordVectors, new: WordVectors) -> Extended:
    from analysis.vectors.mapping import beside, extended

    assert request.extends is not None
    return (beside if request.extends.beside else extended)(known, new)


def _seen(keyed: Any, words: tuple[str, ...]) -> dict[str, Any]:
    """The most frequent words that are not short, and what is near to them."""
    from analysis.vectors.likeness import neighbours

    asked = [word for word in words if len(word) >= _LONG and word.isalpha()][:_MOST_FREQUENT]
    asked = asked or list(words[:_MOST_FREQUENT])
    near = {word: neighbours(keyed, word, _NEIGHBOURS) for word in asked}
    beside = [one.word for found in near.values() for one in found[:3]]
    return {
        "neighbours": [
            {"word": word, "neighbours": [asdict(one) for one in found]} for word, found in near.items()
        ],
        "plane": drawn_words(keyed, asked, beside),
    }
