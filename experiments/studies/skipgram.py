"""The study that makes word vectors from a corpus."""

from __future__ import annotations

from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

from pydantic import Field

from experiments.studies.corpora import CorpusRequest, CorpusTexts, corpus_texts, pinned_corpus
from experiments.studies.study import Findings, Prepared
from experiments.studies.vectors import drawn_words, rounded
from host.progress import Reporter, working
from runs.layout import STUDY_VECTORS
from schema.strict import Strict

KIND = "skipgram"
_MOST_FREQUENT, _LONG, _NEIGHBOURS = 12, 4, 5


class SkipGramRequest(Strict):
    """As `analysis.vectors.skipgram.SkipGram` has them."""

    corpus: CorpusRequest
    dimensions: int = Field(default=50, ge=1, le=1000)
    window: int = Field(default=5, ge=1, le=100)
    least: int = Field(default=5, ge=1)
    negative: int = Field(default=5, ge=1, le=100)
    epochs: int = Field(default=5, ge=1, le=1000)
    seed: int = Field(default=0, ge=0, le=2**32 - 1)


def prepare(asked: SkipGramRequest, *, root: Path, reporter: Reporter) -> Prepared:
    """UserError for a corpus that is not there, and where gensim is missing."""
    from analysis.vectors.keyed import gensim_models

    gensim_models()
    cache_dir = root / "cache"
    request = asked.model_copy(update={"corpus": pinned_corpus(asked.corpus, cache_dir=cache_dir)})
    with working(reporter, "reading texts"):
        corpus = corpus_texts(request.corpus, cache_dir=cache_dir, reporter=reporter)
    return Prepared(
        kind=KIND,
        request=request,
        title=f"vectors of {request.corpus.kind} {request.corpus.split}",
        fingerprints={"texts": corpus.fingerprint},
        work=partial(_study, request, corpus),
    )


def _study(request: SkipGramRequest, corpus: CorpusTexts, reporter: Reporter) -> Findings:
    from analysis.vectors.keyed import keyed
    from analysis.vectors.skipgram import SkipGram, train
    from datamodules.word_vectors import parquet_of
    from experiments.studies.skipgram_page import skipgram_page, skipgram_pictures

    settings = SkipGram(**request.model_dump(exclude={"corpus"}))
    with reporter.progress() as on_progress:
        trained = train(corpus.texts, settings, origin=corpus.origin, on_progress=on_progress)
    vectors = trained.vectors
    content: dict[str, Any] = {
        "origin": corpus.origin,
        "texts": len(corpus.texts),
        "tokens": trained.tokens,
        "settings": asdict(settings),
        "words": len(vectors.words),
        "digest": vectors.digest,
        **rounded(_seen(keyed(vectors), vectors.words)),
    }
    return Findings(
        content=content,
        page=skipgram_page(content),
        pictures=skipgram_pictures(content),
        metrics={"study/tokens": float(trained.tokens), "study/words": float(len(vectors.words))},
        files={Path(STUDY_VECTORS).name: parquet_of(vectors)},
    )


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
