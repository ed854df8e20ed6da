"""What a sweep is: a base experiment, a space over its keys, and how to search it."""

from __future__ import annotations

import math
from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from export.variants import VariantName
from generation.options import DecodingConfig
from schema.strict import Strict
from schema.texts import Name, Text

Scalar = bool | int | float | Text
_MOST_GRID_TRIALS = 10_000
_MOST_TRIALS = 1_000_000
_Whole = Annotated[int, Field(ge=-(2**53), le=2**53)]  # what a float holds exactly, as Optuna keeps them


class FloatRange(Strict):
    """A number between `low` and `high`, drawn on a logarithmic scale if `log`, in steps if given."""

    kind: Literal["float"]
    low: float
    high: float
    log: bool = False
    step: float | None = Field(default=None, gt=0)

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.low >= self.high:
            raise ValueError(f"low {self.low} is not below high {self.high}")
        if self.log and (self.low <= 0 or self.step is not None):
            raise ValueError("a logarithmic range needs low > 0 and no step")
        return self


class IntRange(Strict):
    """A whole number from `low` to `high`, both included."""

    kind: Literal["int"]
    low: _Whole
    high: _Whole
    log: bool = False
    step: int = Field(default=1, gt=0, le=2**53)

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.low >= self.high:
            raise ValueError(f"low {self.low} is not below high {self.high}")
        if self.log and (self.low < 1 or self.step != 1):
            raise ValueError("a logarithmic range needs low >= 1 and step 1")
        return self


class Choice(Strict):
    """One of `options`."""

    kind: Literal["choice"]
    options: tuple[Scalar, ...] = Field(
        min_length=1, max_length=1000, strict=False
    )  # a list; each option is strict


Dimension = Annotated[FloatRange | IntRange | Choice, Field(discriminator="kind")]


class TpeConfig(Strict):
    """Tree-structured Parzen estimator (Bergstra et al. 2011; Watanabe 2023, arXiv 2304.11127)."""

    kind: Literal["tpe"]
    startup_trials: int = Field(default=5, ge=1, le=_MOST_TRIALS)
    """Trials that are drawn at random first."""
    multivariate: bool = True


class RandomConfig(Strict):
    """Independent uniform draws."""

    kind: Literal["random"]


class GridConfig(Strict):
    """Every combination of the options; all dimensions must be choices."""

    kind: Literal["grid"]


class MedianConfig(Strict):
    """Stop a trial whose best value so far is below the median of the others at that step."""

    kind: Literal["median"]
    startup_trials: int = Field(default=4, ge=1, le=_MOST_TRIALS)
    """Trials that must have finished before one is stopped."""
    warmup_steps: int = Field(default=0, ge=0, le=1_000_000_000)
    """No trial is stopped before this optimiser step."""


class SuccessiveHalvingConfig(Strict):
    """Asynchronous successive halving (Li et al. 2018, arXiv 1810.05934)."""

    kind: Literal["successive_halving"]
    first_rung_steps: int = Field(ge=1, le=1_000_000_000)
    reduction_factor: int = Field(default=3, ge=2, le=1000)


class NoPruningConfig(Strict):
    """Every trial runs to its end."""

    kind: Literal["none"]


class BudgetConfig(Strict):
    """What the sweep may cost."""

    trials: int = Field(ge=1, le=_MOST_TRIALS)
    """Over all sessions."""
    minutes: float | None = Field(default=None, gt=0, le=1e6)
    """No trial starts after so many minutes of a session; none: only `trials` counts."""


class FinaleConfig(Strict):
    """The best trials once more, from the start, with a longer budget each; the best of them is the sweep's."""

    top: int = Field(ge=1, le=1000)
    overrides: dict[str, Any]
    """Dotted keys of the experiment, such as train.max_steps. A smaller data.selection_examples gives rows
    back to the training; its rows are some of the larger slice's."""


class SearchConfig(Strict):
    """What every search has: a space, how points of it are drawn and what it may cost."""

    name: Name
    description: Text
    space: dict[str, Dimension] = Field(min_length=1, max_length=100)
    """Dotted keys and what to draw for them."""
    sampler: Annotated[TpeConfig | RandomConfig | GridConfig, Field(discriminator="kind")]
    pruner: Annotated[MedianConfig | SuccessiveHalvingConfig | NoPruningConfig, Field(discriminator="kind")]
    budget: BudgetConfig
    seed: int = Field(default=0, ge=0, lt=2**31)

    @model_validator(mode="after")
    def _grid_needs_choices(self) -> Self:
        if self.sampler.kind == "grid" and any(dim.kind != "choice" for dim in self.space.values()):
            raise ValueError("a grid needs choices in every dimension of the space")
        size = math.prod(len(dim.options) for dim in self.space.values() if dim.kind == "choice")
        if self.sampler.kind == "grid" and size > _MOST_GRID_TRIALS:
            raise ValueError(f"a grid of {size:,} combinations; {_MOST_GRID_TRIALS:,} are possible")
        return self


class SweepConfig(SearchConfig):
    """One sweep over trainings, complete. The first trial has the base experiment's own values."""

    experiment: Text
    overrides: dict[str, Any] = Field(default_factory=dict)
    """Dotted keys of the experiment that hold for every trial."""
    finale: FinaleConfig | None = None
    leave_out_emulated_precision: bool = False
    """Also leave out a precision that this machine only imitates, and so runs slower than float32."""


class StoryLimits(Strict):
    """What the stories of a setting must hold, as shares, for it to be chosen before one that does not."""

    min_ended: float = Field(default=0.9, ge=0, le=1)
    """Stories that end by themselves."""
    max_loops: float = Field(default=0.05, ge=0, le=1)
    """Stories with a loop."""
    max_copied: float = Field(default=0.02, ge=0, le=1)
    """13-grams that stand in a training story."""


class DecodingSweepConfig(SearchConfig):
    """One sweep over how a trained language model writes. The first trial has the values of `decoding`."""

    kind: Literal["decoding"]
    experiment: Text
    """Whose newest finished run writes, unless `run` names one."""
    run: str | None = None
    """A run's ID, or the beginning of one."""
    variant: VariantName = "torch"
    decoding: DecodingConfig
    """The options that hold for every trial but for those of the space, whose keys are this table's."""
    stories: int = Field(default=200, ge=2, le=10_000)
    """Stories of each trial, each the continuation of a held-out story's beginning."""
    prompt_words: int = Field(default=5, ge=1, le=100)
    """Words of that beginning."""
    batch_size: int = Field(default=32, ge=1, le=4096)
    """Stories that are written side by side."""
    limits: StoryLimits = StoryLimits()
    pruner: Annotated[
        MedianConfig | SuccessiveHalvingConfig | NoPruningConfig, Field(discriminator="kind")
    ] = NoPruningConfig(kind="none")

    @model_validator(mode="after")
    def _nothing_to_prune(self) -> Self:
        if self.pruner.kind != "none":
            raise ValueError("pruner: stories are judged when all are written, so nothing can be pruned")
        return self
