"""What may be asked of a corpus, and what its datamodule is told beside that."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal, Self

from pydantic import Field, field_validator, model_validator

from datamodules.cut import Cut, TextLimit
from datamodules.readers.quoting import Said
from host.tokenizer_files import TrainedKind
from schema.strict import Strict, absolute
from schema.texts import Revision
from schema.validation import TogetherError
from scoring.task import Task
from scoring.tasks import CLASSIFICATION, LANGUAGE_MODELLING

if TYPE_CHECKING:
    from datamodules.word_vectors import WordVectors

_MOST_ROWS = 1_000_000_000


class CorpusConfig(Strict):
    """What is asked of any corpus: where its rows come from, and how they become batches."""

    path: str | None = Field(default=None, min_length=1)
    """Folder with the splits as parquet, jsonl, csv or tsv; none: the hub, or the bundled rows."""
    quoting: Said = "auto"
    """Whose the quotation marks of csv and tsv files are: quoted, the writer's; unquoted, the texts'; auto: decided by
    what each file holds."""
    revision: Revision = "main"
    """Hub revision; it is resolved to a commit, which the run records."""
    batch_size: int = Field(gt=0, le=4096)
    """Rows of a training batch."""
    batch_tokens: int | None = Field(default=None, gt=0, le=100_000_000)
    """Most padded tokens of a training batch; none: only batch_size counts."""
    evaluation_tokens: int = Field(default=4096, gt=0, le=100_000_000)
    """Most padded tokens of an evaluation batch."""
    group_by_length: bool = True
    """Rows of like length stand together, so that little is padded."""
    selection_examples: int = Field(gt=0, le=_MOST_ROWS)
    """Rows of train held out for model selection, pruning and early stopping (`val/...`)."""
    selection_seed: int = Field(default=0, ge=0, lt=2**63)
    """Draws the held-out rows; apart from `seed`, so that runs of several seeds compare."""
    train_examples: int | None = Field(default=None, gt=0, le=_MOST_ROWS)
    """Keep so many of the remaining train rows; none: all."""
    loader_workers: int = Field(default=0, ge=0, le=64)
    """Processes that build batches. They never change what is in a batch."""

    @model_validator(mode="after")
    def _quoting_of_files(self) -> Self:
        if self.quoting != "auto" and self.path is None:
            raise TogetherError(
                f"quoting={self.quoting} counts for the files of a folder, and data.path is none",
                "Give data.path=FOLDER, or leave data.quoting out.",
            )
        return self

    @field_validator("path")
    @classmethod
    def _absolute(cls, path: str | None) -> str | None:
        """The full path, so that the run can be loaded again from any folder."""
        return None if path is None else absolute(path)


class TextClassificationConfig(CorpusConfig):
    """Texts with one label each."""

    task: ClassVar[Task] = CLASSIFICATION
    kind: Literal["sst2", "imdb", "demo_reviews"]
    max_tokens: int = Field(ge=4, le=8192)
    """Longer texts are cut."""
    cut: Cut = "head"
    """What is kept of them: their first tokens, their last ones, or a quarter from the beginning and the rest from the
    end."""

    @property
    def limit(self) -> TextLimit:
        return TextLimit(self.max_tokens, self.cut)


class StoriesConfig(CorpusConfig):
    """Stories in blocks for a language model."""

    task: ClassVar[Task] = LANGUAGE_MODELLING
    kind: Literal["tinystories", "demo_stories"]
    max_tokens: int = Field(ge=8, le=1024)
    """Tokens of a block; also the context that a model from scratch gets."""
    packed: bool = True
    """Train on blocks that hold several stories; false: on one story at a time."""
    longer_stories: Literal["refuse", "cut"] = "refuse"
    """Unpacked, what becomes of a story of more than max_tokens: an error, or consecutive windows."""

    @property
    def limit(self) -> TextLimit:
        """Of a text that a model is asked about."""
        return TextLimit(self.max_tokens)


class TransferSetConfig(Strict):
    """Texts without labels that a student learns from beside its train rows, by what its teacher answers."""

    path: str = Field(min_length=1)
    """Their file: parquet, jsonl, csv or tsv, or .txt with one a line."""
    column: str = Field(default="text", min_length=1)
    """That holds them, where there are columns."""
    quoting: Said = "auto"
    """As of `data.quoting`."""
    sentences: bool = False
    """Each sentence of a text is a row by itself."""
    examples: int | None = Field(default=None, gt=0, le=_MOST_ROWS)
    """Keep so many, drawn by `data.selection_seed`; none: all."""

    @field_validator("path")
    @classmethod
    def _absolute(cls, path: str) -> str:
        """The full path, so that the run can be played again from any folder."""
        return absolute(path)


DataConfig = Annotated[TextClassificationConfig | StoriesConfig, Field(discriminator="kind")]


@dataclass(frozen=True)
class Corpus:
    """The facts of one corpus; its row in `corpora.py` has them.

    repository: its data set on the hub; none: bundled. train, official: how its source calls the split to learn from
    and the one that is scored once.
    """

    kind: str
    repository: str | None
    train: str = "train"
    official: str = "validation"

    @property
    def splits(self) -> tuple[str, str]:
        return self.train, self.official


@dataclass(frozen=True, kw_only=True)
class TokenizerSource:
    """Where a tokenizer comes from.

    source: folder or hub id (at `revision`); none: one of `kind` and `vocab_size` is trained on the train split.
    vectors: whose words one of whole words knows beside those of the train split.
    """

    kind: TrainedKind
    source: str | None = None
    revision: str = "main"
    vocab_size: int = 4096
    vectors: WordVectors | None = None

    @property
    def words(self) -> Sequence[str]:
        """Of the vectors."""
        return () if self.vectors is None else self.vectors.words


@dataclass(frozen=True, kw_only=True)
class DataContext:
    """The experiment around a datamodule.

    corpus: the facts of the one that its settings name. seed: of the batch order. accumulate_batches: an epoch has a
    whole number of such groups of batches. transfer_set: of a student.
    """

    corpus: Corpus
    tokenizer: TokenizerSource
    cache_dir: Path
    local_files_only: bool
    seed: int = 0
    accumulate_batches: int = 1
    transfer_set: TransferSetConfig | None = None
