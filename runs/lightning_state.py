"""What Lightning keeps in a checkpoint and in its loops under names that are its own: the one place that knows them.

They are those of pytorch-lightning 2: a run is one epoch, whose batches are counted by `batch_progress`.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping
from contextlib import contextmanager
from copy import deepcopy
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict, Field

if TYPE_CHECKING:
    import pytorch_lightning as pl

CALLBACK = "Checkpoints"  # under which a checkpoint has what only its run knows
SCHEMA = 1  # of that; a checkpoint that says none was written before there were numbers, and is laid out so


class Part(BaseModel):
    """A part of a checkpoint: what is not named is Lightning's own."""

    model_config = ConfigDict(extra="ignore", arbitrary_types_allowed=True)


class _Counts(Part):
    ready: int = Field(ge=0)
    completed: int = Field(ge=0)


class _Progress(Part):
    current: _Counts
    total: _Counts


class _FitLoop(Part):
    batch_progress: _Progress = Field(alias="epoch_loop.batch_progress")
    scheduler_progress: _Progress = Field(alias="epoch_loop.scheduler_progress")
    validation: _Progress = Field(alias="epoch_loop.val_loop.batch_progress")
    optimiser: dict[str, Any] = Field(alias="epoch_loop.automatic_optimization.optim_progress")
    epoch_progress: _Progress


class Loops(Part):
    """The states of the loops, as far as a resumed run relies upon them."""

    fit_loop: _FitLoop


def batches_of(content: Mapping[str, Any]) -> int:
    """How many batches a loaded checkpoint has seen."""
    return int(content["loops"]["fit_loop"]["epoch_loop.batch_progress"]["current"]["completed"])


@contextmanager
def before_this_batch(trainer: pl.Trainer) -> Generator[None]:
    """Within the block a batch that is about to begin is not counted, so that a resumed run begins with it."""
    progress = trainer.fit_loop.epoch_loop.batch_progress
    for counted in (progress.total, progress.current):
        counted.ready -= 1
    yield
    for counted in (progress.total, progress.current):
        counted.ready += 1


def at_position(loops: Mapping[str, Any], *, step: int, batches: int) -> dict[str, Any]:
    """The states of the loops in the middle of the one epoch that a run is."""
    ours = deepcopy(dict(loops))
    fit = ours["fit_loop"]
    fit["epoch_loop.state_dict"] = {"_batches_that_stepped": step}
    fit["epoch_loop.batch_progress"]["is_last_batch"] = False
    optimiser = fit["epoch_loop.automatic_optimization.optim_progress"]["optimizer"]
    for progress, count in (
        (fit["epoch_loop.batch_progress"], batches),
        (fit["epoch_loop.scheduler_progress"], step),
        (optimiser["step"], step),
        (optimiser["zero_grad"], step),
        (fit["epoch_loop.val_loop.batch_progress"], 0),
    ):
        for counted in (progress["total"], progress["current"]):
            counted.update(dict.fromkeys(counted, count))
    for counted in (fit["epoch_progress"]["total"], fit["epoch_progress"]["current"]):
        counted.update(ready=1, started=1, processed=0, completed=0)
    return ours
