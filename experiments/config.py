"""What an experiment is: a frozen, complete description. Units stand in the field names."""

from __future__ import annotations

from operator import attrgetter
from typing import Annotated, Any, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from datamodules.settings import DataConfig, TransferSetConfig
from export.options import ExportConfig
from generation.options import DecodingConfig
from lightning_modules.settings import AnyModelConfig, DistillationConfig, OptimConfig, settled_by
from schema.overrides import flat_mapping, with_values
from schema.strict import Strict
from schema.texts import Name, Text
from schema.validation import TogetherError
from scoring.task import Task

Precision = Literal["32-true", "16-mixed", "bf16-mixed"]
Device = Literal["auto", "cpu", "cuda"]


_MOST_STEPS = 1_000_000_000


class TrainConfig(Strict):
    """How long, how precisely, on what."""

    max_epochs: int = Field(default=1, ge=1, le=1000)
    max_steps: int | None = Field(default=None, ge=1, le=_MOST_STEPS)
    """Optimiser steps; none: max_epochs epochs."""
    accumulate_batches: int = Field(default=1, ge=1, le=1_000_000)
    """Batches per optimiser step; of a linear model all."""
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
    teacher: str | None = Field(default=None, min_length=1)
    """ID, or the beginning of one, of a finished run of the same store, whose logits are learned from; none: the labels
    alone."""
    distillation: DistillationConfig | None = None
    """How; none: as its defaults say where there is a teacher."""
    transfer_set: TransferSetConfig | None = None
    """Texts without labels that the teacher answers, too; none: the train rows alone."""

    @model_validator(mode="before")
    @classmethod
    def _taught_somehow(cls, values: Any) -> Any:
        """The record of a student says how it learned."""
        if not isinstance(values, dict) or values.get("teacher") in (None, "none"):
            return values
        how = values.get("distillation")
        return {**values, "distillation": DistillationConfig() if how in (None, "none") else how}


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
    data: DataConfig
    model: AnyModelConfig
    optim: OptimConfig | None = None
    """None where nothing is learned step by step."""
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
    def _only_a_classifier_leaves_nodes(self) -> Self:
        if self.export.float32_nodes and self.model.task.writes:
            raise ValueError("export.float32_nodes: variants of a language model leave no node in float32")
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
            shorter = steps - steps % validations
            nearest = f"{shorter} or {shorter + validations}" if shorter else f"{validations}"
            raise TogetherError(
                f"train.max_steps {steps} is not a multiple of train.validations {validations}, which are equally "
                "spaced, the last one at the last step",
                f"Give train.max_steps={nearest}, or train.validations={fewer}.",
            )
        return self

    @model_validator(mode="before")
    @classmethod
    def _settled_by_the_model(cls, values: Any) -> Any:
        """What the kind of model leaves no choice of is in the record, though nobody says it."""
        model = values.get("model") if isinstance(values, dict) else None
        if not isinstance(model, dict) or not isinstance(values.get("train", {}), dict):
            return values
        given = {*values, *flat_mapping(values)}
        return with_values(values, {k: v for k, v in settled_by(model.get("kind")).items() if k not in given})

    @model_validator(mode="after")
    def _as_the_model_settles(self) -> Self:
        for key, value in self.model.settled.items():
            if attrgetter(key)(self) != value:
                raise TogetherError(
                    f"{key} has no choice where a model of kind {self.model.kind!r} is fitted in one step: it is "
                    f"{'none' if value is None else value}",
                    f"Leave {key} out.",
                )
        if self.optim is None and "optim" not in self.model.settled:
            raise TogetherError("optim: field required", "Set its keys, as in optim.learning_rate=3e-5.")
        return self

    @property
    def task(self) -> Task:
        """What the model is for."""
        return self.model.task
