"""The study of attention: every layer and head of a model over a text or a corpus, and what the answer rests on."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Self

from pydantic import Field, model_validator

from datamodules.cut import told_cut
from datamodules.fingerprint import fingerprint
from experiments.studies.asked import OfModel
from experiments.studies.corpora import CorpusRequest, CorpusTexts, corpus_texts, pinned_corpus
from experiments.studies.sources import is_local, model_commit, model_folder
from experiments.studies.study import Findings, Prepared
from host.progress import Reporter, working
from pages.texts import label
from runs.layout import STUDY_WEIGHTS
from schema.validation import TogetherError

if TYPE_CHECKING:
    from experiments.studies.attention_model import AttentionModel, Read

KIND = "attention"
_MOST_TOKENS = 128  # of a text: its page holds a share for each two of them, of every head


class AttentionRequest(OfModel):
    """Which text or corpus, and which model.

    run: a finished run's ID, whole. model: a folder or a model of the hub, in place of a run. max_tokens: where a text
    is cut, if the model does not cut it before. Of a corpus: rows, so many texts, drawn by `seed`; sentences, of which
    words are removed: those drawn first.
    """

    corpus: CorpusRequest | None = None
    max_tokens: int = Field(default=_MOST_TOKENS, ge=4, le=_MOST_TOKENS)
    rows: int = Field(default=1000, ge=2, le=100_000)
    sentences: int = Field(default=200, ge=2, le=100_000)
    seed: int = Field(default=0, ge=0, lt=2**63)

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if (self.text is None) == (self.corpus is None):
            cure = "Give a text, or --data." if self.text is None else "Leave the text or --data out."
            raise TogetherError("a study is of one text or of one corpus", cure)
        if (self.run is None) == (self.model is None):
            raise TogetherError(
                "a study is of a run's model, or of a folder's", "Give --run ID or --model FOLDER."
            )
        return self


def prepare(
    asked: AttentionRequest, *, root: Path, reporter: Reporter, chosen: tuple[int, int] | None = None
) -> Prepared:
    """chosen: the layer and head that are asked for. UserError for a run or a model that is not there, for one that has
    no attention, and for a layer or a head that it does not have."""
    request = _pinned(asked, root)
    with working(reporter, "loading the model"):
        model = _model(request, root)
        if chosen is not None:
            model.check_head(*chosen)
    if request.corpus is not None:
        return _of_corpus(request, request.corpus, model, root, reporter)
    assert request.text is not None
    read = model.read(request.text.strip())
    if read.left_out:
        reporter.say(told_cut(read.left_out, len(read.ids), model.cut), "warning")
    return Prepared(
        kind=KIND,
        request=request,
        title=f"attention: {label(request.text)}",
        fingerprints=model.fingerprints(),
        work=partial(_study_text, model, read),
    )


def _of_corpus(
    request: AttentionRequest, asked: CorpusRequest, model: AttentionModel, root: Path, reporter: Reporter
) -> Prepared:
    from experiments.studies.attention_corpus import check_labels

    with working(reporter, "reading texts"):
        corpus = corpus_texts(asked, cache_dir=root / "cache", reporter=reporter)
        check_labels(model, corpus)
    prints = {**model.fingerprints(), "texts": corpus.fingerprint}
    if corpus.labels is not None:
        prints["labels"] = fingerprint((one,) for one in corpus.labels)
    return Prepared(
        kind=KIND,
        request=request,
        title=f"attention: {asked.kind} {asked.split}",
        fingerprints=prints,
        work=partial(_study_corpus, request, model, corpus),
    )


def _pinned(asked: AttentionRequest, root: Path) -> AttentionRequest:
    """With the commits that hub revisions mean now."""
    if asked.corpus is not None:
        asked = asked.model_copy(update={"corpus": pinned_corpus(asked.corpus, cache_dir=root / "cache")})
    if asked.model is None or is_local(asked.model):
        return asked
    cure = "Give a folder, as in --model ./FOLDER, or a run."
    commit = model_commit(asked.model, asked.revision, option="--model", cure=cure, root=root)
    return asked.model_copy(update={"revision": commit})


def _model(asked: AttentionRequest, root: Path) -> AttentionModel:
    from experiments.studies.attention_model import AttentionModel
    from experiments.studies.models import model_of_folder, model_of_run

    if asked.run is not None:
        from runs.files import run_named
        from tracking.store import Store

        studied = model_of_run(run_named(Store.read(root), asked.run))
    else:
        assert asked.model is not None
        studied = model_of_folder(model_folder(asked.model, asked.revision), max_tokens=asked.max_tokens)
    return AttentionModel(studied, max_tokens=asked.max_tokens)


def _study_text(model: AttentionModel, read: Read, reporter: Reporter) -> Findings:
    from experiments.studies.attention_page import heads_picture, text_page, words_picture
    from experiments.studies.attention_text import metrics, saved, text_findings

    with working(reporter, "attending"):
        found, weights_RHTT, norms_RHT = text_findings(model, read)
    return Findings(
        content=found,
        page=text_page(found, weights_RHTT, norms_RHT),
        pictures={"heads.png": heads_picture(weights_RHTT), "words.png": words_picture(found)},
        metrics=metrics(found),
        files={Path(STUDY_WEIGHTS).name: saved(weights_RHTT)},
    )


def _study_corpus(
    request: AttentionRequest, model: AttentionModel, corpus: CorpusTexts, reporter: Reporter
) -> Findings:
    from experiments.studies.attention_corpus import corpus_findings, corpus_metrics, drawn_rows
    from experiments.studies.attention_corpus_page import corpus_page, faithfulness_picture

    assert request.corpus is not None
    rows = drawn_rows(corpus, request.rows, seed=request.seed)
    labels = None if corpus.labels is None or model.writes else [corpus.labels[row] for row in rows]
    with reporter.progress() as on_progress:
        reads = [model.read(corpus.texts[row]) for row in rows]
        found, timings = corpus_findings(
            model,
            reads,
            labels,
            sentences=request.sentences,
            seed=request.seed,
            on_progress=on_progress,
        )
    content = {"corpus": request.corpus.kind, "split": request.corpus.split, **found}
    return Findings(
        content=content,
        page=corpus_page(content, f"{request.corpus.kind}, {request.corpus.split} split"),
        pictures={"faithfulness.png": faithfulness_picture(content)},
        metrics=corpus_metrics(content),
        timings=timings,
    )
