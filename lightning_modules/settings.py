"""What may be asked of a model and of its optimiser. Units stand in the field names."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, ClassVar, Literal, Self, get_args

from pydantic import Field, field_validator, model_validator

from host.tokenizer_files import TrainedKind
from schema.strict import Strict, absolute
from schema.texts import Revision
from schema.validation import TogetherError
from scoring.task import Task
from scoring.tasks import CLASSIFICATION, LANGUAGE_MODELLING

LONGEST_NGRAM = 3  # words: of 100,000 words, the numbers of four together would not fit 64 bits
Features = Literal["tfidf", "nb"]
LinearLoss = Literal["logistic", "squared_hinge"]
TEACHER = "teacher"  # as `model.pretrained`: the model of the run that `train.teacher` names
RUN = "run:"  # as the beginning of `model.pretrained`: the model of the run whose ID follows
_HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]{0,95}(?:/[A-Za-z0-9][\w.-]{0,95})?", re.ASCII)


class ModelConfig(Strict):
    """What all models have in common."""

    pretrained: str | None = Field(default=None, min_length=1)
    """Folder or hub id to start from; `run:ID`: the model of a finished run of the same store, with its tokenizer;
    `teacher`: likewise of the run `train.teacher`; none: random weights of the dimensions below."""
    revision: Revision = "main"
    """Hub revision of `pretrained`."""
    tokenizer: str | None = Field(default=None, min_length=1)
    """Folder or hub id; none: the one of `pretrained`, or else one trained on the corpus."""
    tokenizer_revision: Revision = "main"
    """Hub revision of `tokenizer`."""
    vocab_size: int = Field(default=4096, ge=64, le=100_000)
    """Size of a tokenizer trained on the corpus."""
    takes_all_rows: ClassVar[bool] = False
    """Whether one optimiser step takes all train rows."""
    settled: ClassVar[Mapping[str, object]] = {}
    """Keys of an experiment that have one value where the model is of this kind, and that value."""

    @property
    def beginning(self) -> str:
        """In words, what it is before the first step where it begins with nothing."""
        raise NotImplementedError

    def kept_in(self, folder: Path) -> Self:
        """These settings with the tokenizer of a run's own model folder, and nothing to begin with."""
        return self.model_copy(update={"tokenizer": str(folder), "pretrained": None})

    @field_validator("pretrained", "tokenizer")
    @classmethod
    def _absolute(cls, source: str | None) -> str | None:
        """A folder by its full path, so that the run can be loaded again from any other; a hub id as it is."""
        if source is None or is_of_a_run(source):
            if source == RUN:
                raise ValueError("names no run: write run:ID; `encore runs` lists the runs")
            return source
        if source.startswith((".", "/", "~")) or Path(absolute(source)).is_dir():
            return absolute(source)
        if not _HUB_ID.fullmatch(source):
            raise ValueError("no folder here, and no id of the hub, which looks like owner/name")
        return source

    @model_validator(mode="after")
    def _one_tokenizer(self) -> Self:
        if self.pretrained_run is not None and self.tokenizer is not None:
            raise TogetherError(
                "a run that is begun with brings its own tokenizer, and tokenizer says another",
                "Leave model.tokenizer out.",
            )
        return self

    @property
    def pretrained_run(self) -> str | None:
        """The ID of `run:ID`, or the beginning of one."""
        source = self.pretrained
        return source.removeprefix(RUN) if source is not None and source.startswith(RUN) else None


def is_of_a_run(source: str) -> bool:
    """Whether a `pretrained` means the model of a run, and so neither a folder nor the hub's."""
    return source == TEACHER or source.startswith(RUN)


class LayeredConfig(ModelConfig):
    """What all models of layers have in common, which gradients train."""

    layers: int = Field(default=6, ge=1, le=48)
    dim: int = Field(default=768, ge=8, le=4096)
    """Width. Layers, heads, dim and hidden_dim count only without `pretrained`."""
    dropout: float = Field(default=0.1, ge=0, lt=1)
    frozen_layers: int = Field(default=0, ge=0, le=1000)
    """0 trains all; k freezes the embeddings and the first k - 1 blocks."""

    @property
    def beginning(self) -> str:
        return f"random weights, {self.layers} layers of {self.dim}"


class TransformerConfig(LayeredConfig):
    """What all models with attention have in common."""

    heads: int = Field(default=12, ge=1, le=64)
    """Of attention in each layer; they share `dim` among them."""

    @model_validator(mode="after")
    def _heads_divide_dim(self) -> Self:
        if self.dim % self.heads:
            raise ValueError(f"dim {self.dim} is not a multiple of heads {self.heads}")
        return self


class DistilBertModelConfig(TransformerConfig):
    """DistilBERT classifier."""

    task: ClassVar[Task] = CLASSIFICATION
    tokenizer_kind: ClassVar[TrainedKind] = "bert_bpe"
    kind: Literal["distilbert"]
    hidden_dim: int = Field(default=3072, ge=8, le=16_384)
    """Width of the feed-forward part."""
    attention_dropout: float = Field(default=0.1, ge=0, lt=1)
    classifier_dropout: float = Field(default=0.2, ge=0, lt=1)
    label_smoothing: float = Field(default=0.0, ge=0, lt=1)
    pretrained_layers: tuple[Annotated[int, Field(ge=0, lt=48)], ...] | None = Field(
        default=None,
        min_length=1,
        strict=False,  # a list, as YAML and JSON have it; each item is strict
    )
    """Of `pretrained` only these blocks, by number from 0; [0, 2, 4] takes every second, as DistilBERT began (Sanh et
    al. 2019, section 3); none: all of them."""

    @model_validator(mode="after")
    def _layers_of_something(self) -> Self:
        layers = self.pretrained_layers
        if layers is None:
            return self
        if self.pretrained is None:
            raise TogetherError(
                "pretrained_layers are of `pretrained`, which is none",
                "Give model.pretrained, or leave model.pretrained_layers out.",
            )
        if list(layers) != sorted(set(layers)):
            raise ValueError("pretrained_layers: each block once, in rising order")
        return self


class Gpt2ModelConfig(TransformerConfig):
    """GPT-2 language model."""

    task: ClassVar[Task] = LANGUAGE_MODELLING
    tokenizer_kind: ClassVar[TrainedKind] = "gpt2_bpe"
    kind: Literal["gpt2"]


class LstmModelConfig(LayeredConfig):
    """LSTM classifier, read in both directions."""

    task: ClassVar[Task] = CLASSIFICATION
    tokenizer_kind: ClassVar[TrainedKind] = "words"
    kind: Literal["lstm"]
    layers: int = Field(default=1, ge=1, le=8)
    dim: int = Field(default=128, ge=8, le=4096)
    """Width of the state of each direction. Layers, dim and embedding_dim count only without `pretrained`."""
    embedding_dim: int = Field(default=50, ge=1, le=4096)
    """Width of the vectors of the words."""
    dropout: float = Field(default=0.5, ge=0, lt=1)
    """Of the inputs of each layer and of the head."""
    word_dropout: float = Field(default=0.0, ge=0, lt=1)
    """So many words of a training batch are read as unknown, from which that one learns."""
    label_smoothing: float = Field(default=0.0, ge=0, lt=1)
    vectors: str | None = Field(default=None, min_length=1)
    """File of word vectors (parquet or GloVe's text), or its folder, to begin with; none: the corpus's words begin at
    random. Its words are in the vocabulary beside those of the corpus; words that it lacks begin at random."""

    @field_validator("vectors")
    @classmethod
    def _vectors_absolute(cls, source: str | None) -> str | None:
        return None if source is None else absolute(source)

    @model_validator(mode="after")
    def _vectors_of_a_new_model(self) -> Self:
        if self.vectors is not None and (self.pretrained or self.tokenizer):
            key = "pretrained" if self.pretrained else "tokenizer"
            raise TogetherError(
                f"vectors bring their own words, and {key} says others",
                f"Leave model.vectors or model.{key} out.",
            )
        return self

    def kept_in(self, folder: Path) -> Self:
        return super().kept_in(folder).model_copy(update={"vectors": None})


class LinearModelConfig(ModelConfig):
    """Linear classifier over n-grams of words, which scikit-learn fits to all train rows in one step, on the CPU."""

    task: ClassVar[Task] = CLASSIFICATION
    tokenizer_kind: ClassVar[TrainedKind] = "words"
    takes_all_rows: ClassVar[bool] = True
    settled: ClassVar[Mapping[str, object]] = {
        "model.pretrained": None,
        "optim": None,
        "train.max_epochs": 1,
        "train.max_steps": None,
        "train.accumulate_batches": 1,
        "train.validations": 1,
        "train.early_stopping_patience": None,
        "train.precision": "32-true",
        "train.matmul_precision": "highest",
        "train.device": "cpu",
        "train.keep_checkpoint_every_steps": None,
        "train.teacher": None,
        "train.distillation": None,
    }
    kind: Literal["linear"]
    vocab_size: int = Field(default=100_000, ge=64, le=100_000)
    """Words that are told apart: the most frequent of train."""
    features: Features
    """What an n-gram of a text counts. tfidf: (1 + ln count) times its inverse document frequency, a text's together of
    length 1; nb: its log-count ratio between the labels, once (NB-SVM, Wang & Manning 2012)."""
    loss: LinearLoss = "logistic"
    """logistic: logistic regression; squared_hinge: a linear support vector machine."""
    C: float = Field(ge=1e-6, le=1e6)
    """Weight of the loss, summed over the rows, against half of the squared norm of the weights."""
    beta: float = Field(default=1.0, ge=0, le=1)
    """Of NB-SVM: share of what was fitted against the mean size of the weights, which leaves naive Bayes; 1: all."""
    longest_ngram: int = Field(default=2, ge=1, le=LONGEST_NGRAM)
    """Words of the longest n-grams; all shorter ones count, too."""
    min_df: int = Field(default=1, ge=1, le=1_000_000)
    """An n-gram is known that stands in so many train rows."""

    @property
    def beginning(self) -> str:
        words = "words" if self.longest_ngram == 1 else f"n-grams of 1 to {self.longest_ngram} words"
        return f"nothing, over {words} ({self.features}, {self.loss})"

    @model_validator(mode="after")
    def _beta_of_ratios(self) -> Self:
        if self.beta != 1 and self.features != "nb":
            raise TogetherError(
                f"beta leads from what is fitted to naive Bayes, and features is {self.features}",
                "Give model.beta=1, or model.features=nb.",
            )
        return self


AnyModelConfig = Annotated[
    DistilBertModelConfig | Gpt2ModelConfig | LstmModelConfig | LinearModelConfig,
    Field(discriminator="kind"),
]


def settled_by(kind: object) -> Mapping[str, object]:
    """The keys of an experiment that have one value where `model.kind` is this; none for what is no kind."""
    kinds: tuple[type[ModelConfig], ...] = get_args(get_args(AnyModelConfig)[0])
    found = (one for one in kinds if kind in get_args(one.model_fields["kind"].annotation))
    return next((one.settled for one in found), {})


class DistillationConfig(Strict):
    """How a student's loss weighs what its teacher answered against the labels.

    Defaults: of one epoch on SST-2 with 3 layers of 6, kl at 2 came nearest to the teacher on held-out rows, before kl
    at 4 and mse (benchmarks/results.md).
    """

    loss: Literal["kl", "mse"] = "kl"
    """kl: Kullback-Leibler divergence between the softened answers, times temperature squared (Hinton et al. 2015,
    arXiv 1503.02531); mse: mean squared error between the logits (Ba & Caruana 2014, arXiv 1312.6184)."""
    weight: float = Field(default=1.0, ge=0, le=1)
    """Share of the loss that is the teacher's; the rest is cross-entropy with the labels."""
    temperature: float = Field(default=2.0, gt=0, le=100)
    """By which both sides' logits are divided; counts only with kl."""


Schedule = Literal["linear", "constant", "cosine"]


class OptimConfig(Strict):
    """AdamW and its schedule."""

    learning_rate: float = Field(gt=0, le=1)
    """Peak, after warm-up."""
    weight_decay: float = Field(default=0.01, ge=0, le=1)
    """On matrices only."""
    beta1: float = Field(default=0.9, ge=0, lt=1)
    beta2: float = Field(default=0.999, ge=0, lt=1)
    epsilon: float = Field(default=1e-8, gt=0, le=1)
    schedule: Schedule = "linear"
    warmup_ratio: float = Field(default=0.06, ge=0, lt=1)
    """Share of all optimiser steps during which the rate rises linearly."""
    layerwise_decay: float = Field(default=1.0, gt=0, le=1)
    """Each block learns at this share of the rate of the one above; 1: all alike."""
    gradient_clip_norm: float | None = Field(default=1.0, gt=0, le=1e12)
