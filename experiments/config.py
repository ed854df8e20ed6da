"""What an experiment is: a frozen, complete description. Units stand in the field names."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, ClassVar, Literal, Self

from pydantic import AfterValidator, Field, StringConstraints, field_validator, model_validator

from generation.options import DecodingConfig
from schema.strict import Strict, absolute, check_line, check_text
from schema.validation import TogetherError
from scoring.task import Task
from scoring.tasks import CLASSIFICATION, LANGUAGE_MODELLING

Precision = Literal["32-true", "16-mixed", "bf16-mixed"]
Device = Literal["auto", "cpu", "cuda"]


_MOST_STEPS = 1_000_000_000
_MOST_ROWS = 1_000_000_000
_HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]{0,95}(?:/[A-Za-z0-9][\w.-]{0,95})?", re.ASCII)
_NO_REVISION = re.compile(r"[\s~^:?*\[\\]")  # what git refuses in a branch's name


def _is_revision(revision: str) -> str:
    if _NO_REVISION.search(check_line(revision)):
        raise ValueError("no name of a branch, tag or commit")
    return revision


def _is_plain(name: str) -> str:
    if not re.fullmatch(r"[a-z][a-z0-9_]*", name):
        raise ValueError("a name has small letters, digits and _, and begins with a letter")
    return name


Name = Annotated[str, StringConstraints(max_length=100), AfterValidator(_is_plain)]
"""Of an experiment or a sweep; files are named by it."""
Text = Annotated[str, StringConstraints(max_length=10_000), AfterValidator(check_text)]
Revision = Annotated[str, StringConstraints(min_length=1, max_length=255), AfterValidator(_is_revision)]
"""Of a repository on the hub: branch, tag or commit."""


class CorpusConfig(Strict):
    """What all corpora have in common."""

    path: str | None = Field(default=None, min_length=1)
    """Folder with the splits as parquet, jsonl, csv or tsv; none: the hub, or the bundled rows."""
    quoting: Literal["auto", "quoted", "unquoted"] = "auto"
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

    def blocks(self) -> dict[str, bool]:
        """How texts become the blocks that a language model trains on; nothing for other models."""
        return {}

    @field_validator("path")
    @classmethod
    def _absolute(cls, path: str | None) -> str | None:
        """The full path, so that the run can be loaded again from any folder."""
        return None if path is None else absolute(path)


class TextClassificationConfig(CorpusConfig):
    """Texts with one label each."""

    task: ClassVar[Task] = CLASSIFICATION
    kind: Literal["sst2", "imdb", "demo_reviews"]
    max_tokens: int = Field(ge=4, le=512)
    """Longer texts are cut."""


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

    def blocks(self) -> dict[str, bool]:
        return {"packed": self.packed, "cut_long_stories": self.longer_stories == "cut"}


class ModelConfig(Strict):
    """What all models have in common."""

    pretrained: str | None = Field(default=None, min_length=1)
    """Folder or hub id to start from; none: random weights of the dimensions below."""
    revision: Revision = "main"
    """Hub revision of `pretrained`."""
    tokenizer: str | None = Field(default=None, min_length=1)
    """Folder or hub id; none: the one of `pretrained`, or else one trained on the corpus."""
    tokenizer_revision: Revision = "main"
    """Hub revision of `tokenizer`."""
    vocab_size: int = Field(default=4096, ge=64, le=100_000)
    """Size of a tokenizer trained on the corpus."""
    layers: int = Field(default=6, ge=1, le=48)
    heads: int = Field(default=12, ge=1, le=64)
    dim: int = Field(default=768, ge=8, le=4096)
    """Width. Layers, heads, dim and hidden_dim count only without `pretrained`."""
    dropout: float = Field(default=0.1, ge=0, lt=1)
    frozen_layers: int = Field(default=0, ge=0, le=1000)
    """0 trains all; k freezes the embeddings and the first k - 1 blocks."""

    @field_validator("pretrained", "tokenizer")
    @classmethod
    def _absolute(cls, source: str | None) -> str | None:
        """A folder by its full path, so that the run can be loaded again from any other; a hub id as it is."""
        if source is None:
            return None
        if source.startswith((".", "/", "~")) or Path(absolute(source)).is_dir():
            return absolute(source)
        if not _HUB_ID.fullmatch(source):
            raise ValueError("no folder here, and no id of the hub, which looks like owner/name")
        return source

    @model_validator(mode="after")
    def _heads_divide_dim(self) -> Self:
        if self.dim % self.heads:
            raise ValueError(f"dim {self.dim} is not a multiple of heads {self.heads}")
        return self


class DistilBertModelConfig(ModelConfig):
    """DistilBERT classifier."""

    task: ClassVar[Task] = CLASSIFICATION
    kind: Literal["distilbert"]
    hidden_dim: int = Field(default=3072, ge=8, le=16_384)
    """Width of the feed-forward part."""
    attention_dropout: float = Field(default=0.1, ge=0, lt=1)
    classifier_dropout: float = Field(default=0.2, ge=0, lt=1)
    label_smoothing: float = Field(default=0.0, ge=0, lt=1)


class Gpt2ModelConfig(ModelConfig):
    """GPT-2 language model."""

    task: ClassVar[Task] = LANGUAGE_MODELLING
    kind: Literal["gpt2"]


class OptimConfig(Strict):
    """AdamW and its schedule."""

    learning_rate: float = Field(gt=0, le=1)
    """Peak, after warm-up."""
    weight_decay: float = Field(default=0.01, ge=0, le=1)
    """On matrices only."""
    beta1: float = Field(default=0.9, ge=0, lt=1)
    beta2: float = Field(default=0.999, ge=0, lt=1)
    epsilon: float = Field(default=1e-8, gt=0, le=1)
    schedule: Literal["linear", "constant", "cosine"] = "linear"
    warmup_ratio: float = Field(default=0.06, ge=0, lt=1)
    """Share of all optimiser steps during which the rate rises linearly."""
    layerwise_decay: float = Field(default=1.0, gt=0, le=1)
    """Each block learns at this share of the rate of the one above; 1: all alike."""
    gradient_clip_norm: float | None = Field(default=1.0, gt=0, le=1e12)


class TrainConfig(Strict):
    """How long, how precisely, on what."""

    max_epochs: int = Field(default=1, ge=1, le=1000)
    max_steps: int | None = Field(default=None, ge=1, le=_MOST_STEPS)
    """Optimiser steps; none: max_epochs epochs."""
    accumulate_batches: int = Field(default=1, ge=1, le=1_000_000)
    """Batches per optimiser step."""
    validations: int = Field(default=8, ge=1, le=1_000_000)
    """Equally spaced validations on the held-out slice, the last at the last step."""
    early_stopping_patience: int | None = Field(default=None, ge=1, le=1_000_000)
    """Stop after so many validations without a lower held-out loss; none: never."""
    precision: Precision = "32-true"
    matmul_precision: Literal["highest", "high", "medium"] = "highest"
    """Of float32 matrix products, as torch.set_float32_matmul_precision has it."""
    device: Device = "auto"
    threads: int | None = Field(default=None, ge=1, le=1024)
    """CPU threads of torch; none: one per core. Bits depend on it."""
    deterministic: bool = True
    """Only deterministic algorithms; a run names the operations that have none."""
    checkpoint_every_minutes: float | None = Field(default=5.0, gt=0, le=1e6)
    """Between writes of the last checkpoint; none: only with the best one and at the end."""
    checkpoint_every_steps: int | None = Field(default=None, ge=1, le=_MOST_STEPS)
    """The same in optimiser steps; whichever comes first."""
    keep_checkpoint_every_steps: int | None = Field(default=None, ge=1, le=_MOST_STEPS)
    """Keep a checkpoint for good every so many optimiser steps, to fork from; none: only the best and the last."""


class ExportConfig(Strict):
    """The ONNX and INT8 variants of a finished run."""

    when: Literal["finished", "best", "never"] = "finished"
    """After every finished run; only for the best run of a sweep; never."""
    threads: int = Field(default=1, ge=1, le=1024)
    """Of onnxruntime when latency is measured."""
    scored_examples: int = Field(default=2000, ge=1, le=_MOST_ROWS)
    """Rows of the official split that the variants are scored on, drawn with a fixed seed; all if fewer."""
    max_accuracy_drop: float = Field(default=0.005, ge=0, le=1)
    """Gate of classifiers: INT8 accuracy may fall so much below FP32, as a share."""
    max_loss_increase: float = Field(default=0.05, ge=0, le=1e6)
    """Gate of language models: INT8 loss may rise so much above FP32, nats/token."""


class SamplesConfig(Strict):
    """Stories that a language model writes after each validation, to watch it learn."""

    prompts: tuple[Annotated[Text, StringConstraints(strip_whitespace=True)], ...] = Field(
        min_length=1,
        max_length=64,
        strict=False,  # a list, as YAML and JSON have it; each item is strict
    )
    decoding: DecodingConfig = DecodingConfig()


class ExperimentConfig(Strict):
    """One experiment, complete."""

    name: Name
    description: Text
    seed: int = Field(default=0, ge=0, lt=2**32)
    data: Annotated[TextClassificationConfig | StoriesConfig, Field(discriminator="kind")]
    model: Annotated[DistilBertModelConfig | Gpt2ModelConfig, Field(discriminator="kind")]
    optim: OptimConfig
    train: TrainConfig = TrainConfig()
    export: ExportConfig = ExportConfig()
    samples: SamplesConfig | None = None
    """Of a language model; none: it writes nothing while it learns."""

    @model_validator(mode="after")
    def _only_a_language_model_writes(self) -> Self:
        if self.samples is not None and not self.model.task.writes:
            raise ValueError(f"samples: a model of kind {self.model.kind!r} writes no stories")
        return self

    @model_validator(mode="after")
    def _model_fits_data(self) -> Self:
        if self.model.task is not self.data.task:
            raise ValueError(f"model.kind {self.model.kind!r} cannot learn from data.kind {self.data.kind!r}")
        return self

    @model_validator(mode="after")
    def _validations_divide_steps(self) -> Self:
        steps, validations = self.train.max_steps, self.train.validations
        if steps is not None and steps % validations:
            fewer = next(count for count in range(min(steps, validations), 0, -1) if steps % count == 0)
            longer = steps + validations - steps % validations
            raise TogetherError(
                f"train.max_steps {steps} is not a multiple of train.validations {validations}, which are equally "
                "spaced, the last one at the last step",
                f"Give train.validations={fewer} or train.max_steps={longer}.",
            )
        return self

    @property
    def task(self) -> Task:
        """What the model is for."""
        return self.model.task
