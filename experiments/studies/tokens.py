"""The study of tokens: tokenizers side by side over one text, or over a corpus."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Self

from pydantic import Field, StringConstraints, field_validator, model_validator

from analysis.tokens.pieces import Splitter
from analysis.tokens.words import NLTK
from experiments.studies.corpora import CorpusRequest, CorpusTexts, corpus_texts, pinned_corpus
from experiments.studies.sources import is_local, model_commit, placed
from experiments.studies.study import Findings, Prepared
from host.progress import Reporter, working
from pages.texts import label
from schema.strict import Strict
from schema.texts import Revision
from schema.validation import TogetherError

if TYPE_CHECKING:
    from analysis.tokens.comparing import Disagreement
    from analysis.tokens.pieces import Piece

KIND = "tokens"
USUAL = (NLTK, "bert-base-uncased", "roberta-base", "gpt2")
MOST_CHARACTERS = 100_000


class TokenizerRequest(Strict):
    """source: `nltk`, a folder, or a model of the hub. name: as tables call it."""

    name: str = Field(min_length=1, max_length=100, pattern=r"^[\w./-]+$")
    source: str = Field(min_length=1)
    revision: Revision = "main"

    @field_validator("source")
    @classmethod
    def _absolute(cls, source: str) -> str:
        return placed(source)

    @property
    def is_folder(self) -> bool:
        return Path(self.source).is_absolute()


class TokensRequest(Strict):
    """Which text or corpus is split, and by which tokenizers."""

    text: Annotated[str, StringConstraints(max_length=MOST_CHARACTERS)] | None = None
    corpus: CorpusRequest | None = None
    tokenizers: tuple[TokenizerRequest, ...] = Field(min_length=1, max_length=16, strict=False)

    @field_validator("text")
    @classmethod
    def _holds_something(cls, text: str | None) -> str | None:
        if text is not None and not text.strip():
            raise ValueError("is empty, or all spaces")
        return text

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if (self.text is None) == (self.corpus is None):
            cure = "Give a text, or --data." if self.text is None else "Leave the text or --data out."
            raise TogetherError("a study is of one text or of one corpus", cure)
        names = [tokenizer.name for tokenizer in self.tokenizers]
        double = next((name for name in names if names.count(name) > 1), None)
        if double is not None:
            raise TogetherError(f"two tokenizers are called {double!r}", "Name each once.")
        return self


def named_tokenizer(source: str) -> dict[str, str]:
    """A request for it. A folder is called by its own name, in letters, digits, dots and dashes."""
    name = Path(source).expanduser().absolute().name if is_local(source) else source
    return {"name": re.sub(r"[^A-Za-z0-9_./-]", "_", name) or "folder", "source": source}


def prepare(asked: TokensRequest, *, root: Path, reporter: Reporter) -> Prepared:
    """UserError for a tokenizer or a corpus that is not there."""
    cache_dir = root / "cache"
    request = _pinned(asked, root)
    with working(reporter, "reading tokenizers and texts"):
        splitters = [_splitter(one) for one in request.tokenizers]
        corpus = (
            None
            if request.corpus is None
            else corpus_texts(request.corpus, cache_dir=cache_dir, reporter=reporter)
        )
    prints = {f"tokenizer.{splitter.name}": splitter.digest for splitter in splitters}
    if corpus is not None:
        prints["texts"] = corpus.fingerprint
    about = request.text if corpus is None else f"{request.corpus.kind} {request.corpus.split}"  # type: ignore[union-attr]
    return Prepared(
        kind=KIND,
        request=request,
        title=f"tokens: {label(about or '')}",
        fingerprints=prints,
        work=partial(_study, request, splitters, corpus),
    )


def _pinned(asked: TokensRequest, root: Path) -> TokensRequest:
    cure = f"Give folders, as in --tokenizers {NLTK},FOLDER, or {NLTK} alone."

    def commit(one: TokenizerRequest) -> TokenizerRequest:
        if one.source == NLTK or one.is_folder:
            return one
        found = model_commit(one.source, one.revision, option="--tokenizers", cure=cure, root=root)
        return one.model_copy(update={"revision": found})

    tokenizers = tuple(commit(one) for one in asked.tokenizers)
    corpus = None if asked.corpus is None else pinned_corpus(asked.corpus, cache_dir=root / "cache")
    return asked.model_copy(update={"tokenizers": tokenizers, "corpus": corpus})


def _splitter(one: TokenizerRequest) -> Splitter:
    if one.source == NLTK:
        from analysis.tokens.words import NltkSplitter

        return NltkSplitter()
    from analysis.tokens.subwords import SubwordSplitter
    from datamodules.hub import hub_reachable

    offline = one.is_folder or not hub_reachable()
    return SubwordSplitter(one.name, one.source, local_files_only=offline, revision=one.revision)


def _study(
    request: TokensRequest, splitters: Sequence[Splitter], corpus: CorpusTexts | None, reporter: Reporter
) -> Findings:
    if corpus is None:
        assert request.text is not None
        return _of_text(request.text, splitters)
    assert request.corpus is not None
    return _of_corpus(request.corpus, corpus, splitters, reporter)


def _of_text(text: str, splitters: Sequence[Splitter]) -> Findings:
    from analysis.tokens.comparing import disagreements
    from experiments.studies.tokens_page import text_page, text_picture

    split = {splitter.name: splitter.pieces(text) for splitter in splitters}
    found = disagreements(text, split)
    content = findings_of_text(text, split, found)
    return Findings(
        content=content,
        page=text_page(content),
        pictures={"tokens.png": text_picture(content)},
        metrics={f"study/{name}/tokens": float(len(pieces)) for name, pieces in split.items()}
        | {"study/disagreements": float(len(found))},
    )


def findings_of_text(
    text: str, split: Mapping[str, Sequence[Piece]], found: Sequence[Disagreement]
) -> dict[str, Any]:
    """The content of findings.json."""
    return {
        "text": text,
        "tokenizers": [
            {"name": name, "pieces": [asdict(piece) for piece in pieces]} for name, pieces in split.items()
        ],
        "disagreements": [asdict(one) for one in found],
    }


def _of_corpus(
    asked: CorpusRequest, corpus: CorpusTexts, splitters: Sequence[Splitter], reporter: Reporter
) -> Findings:
    from analysis.tokens.corpus import corpus_statistics
    from experiments.studies.tokens_page import corpus_page, corpus_picture

    with reporter.progress() as on_progress:
        found = corpus_statistics(corpus.texts, splitters, on_progress=on_progress)
    content = {**asdict(found), "corpus": asked.kind, "split": asked.split}
    del content["seconds"]
    metrics = {
        f"study/{one.name}/{figure}": float(getattr(one, figure))
        for one in found.tokenizers
        for figure in ("tokens", "tokens_a_word", "whole_words", "bytes_a_token")
    }
    return Findings(
        content=content,
        page=corpus_page(content),
        pictures={"lengths.png": corpus_picture(content)},
        metrics=metrics,
        timings={f"study/{name}/texts_per_s": found.texts / took for name, took in found.seconds.items()},
    )
