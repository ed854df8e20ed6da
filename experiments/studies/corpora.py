"""The texts of a corpus, as a study reads them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from pydantic import Field, TypeAdapter, field_validator

from datamodules.corpora import CORPORA
from datamodules.settings import DataConfig, DataContext, TokenizerSource
from errors import UserError
from host.progress import Reporter
from schema.strict import Strict, absolute
from schema.texts import Revision

# Of a training; where rows are only read, none of these counts.
_OF_A_TRAINING = {"batch_size": 1, "selection_examples": 1, "max_tokens": 8}


class CorpusRequest(Strict):
    """Which texts are studied."""

    kind: str
    path: str | None = None
    """Folder with the splits; none: the hub, or the bundled rows."""
    revision: Revision = "main"
    split: str = Field(default="train", pattern="train|official")
    """The split to learn from, or the one that is scored."""

    @field_validator("path")
    @classmethod
    def _absolute(cls, path: str | None) -> str | None:
        return None if path is None else absolute(path)

    @field_validator("kind")
    @classmethod
    def _known(cls, kind: str) -> str:
        if kind not in CORPORA:
            raise ValueError(f"there is no such corpus; there are {', '.join(CORPORA)}")
        return kind


@dataclass(frozen=True)
class CorpusTexts:
    """texts: of the split, stripped, read from the disk as they are asked for. labels: of each; none: they have none.
    fingerprint: of the texts. label_names: by their numbers."""

    texts: Sequence[str]
    labels: Sequence[int] | None
    origin: str
    fingerprint: str
    label_names: tuple[str, ...] = ()


def pinned_corpus(asked: CorpusRequest, *, cache_dir: Path) -> CorpusRequest:
    """With the commit that its hub revision means now. UserError where there is no such folder, or no hub."""
    from datamodules.files import files_of_splits
    from datamodules.hub import commit_of

    corpus = CORPORA[asked.kind].corpus
    if asked.path is not None:
        files_of_splits(Path(asked.path), corpus.splits, texts=True)
        return asked
    if corpus.repository is None:
        return asked
    commit = commit_of(corpus.repository, asked.revision, kind="dataset", memory=cache_dir / "hub")
    return asked.model_copy(update={"revision": commit})


def corpus_texts(asked: CorpusRequest, *, cache_dir: Path, reporter: Reporter) -> CorpusTexts:
    """The texts of a pinned request. UserError as a training of that corpus raises it."""
    from datamodules.rows import SplitRows, StoredTexts

    row = CORPORA[asked.kind]
    settings = TypeAdapter[DataConfig](DataConfig).validate_python(
        {"kind": asked.kind, "path": asked.path, "revision": asked.revision, **_OF_A_TRAINING}
    )
    context = DataContext(
        corpus=row.corpus,
        tokenizer=TokenizerSource(kind="bert_bpe"),
        cache_dir=cache_dir,
        local_files_only=True,
    )
    module = row.data_class()(settings, context, on_remade=partial(reporter.say, style="warning"))
    splits = module.read()
    rows = splits.train if asked.split == "train" else splits.official
    texts = StoredTexts(rows, module.wanted.text)
    if not len(texts):
        raise UserError("has no texts", where=splits.origin, cure="Give a folder with at least one.")
    labels = None if module.wanted.label is None else list(rows[module.wanted.label])
    prints = SplitRows(texts, None).fingerprint
    return CorpusTexts(texts, labels, splits.origin, prints, module.wanted.label_names)
