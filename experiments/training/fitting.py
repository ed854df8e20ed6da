"""The training proper: Lightning's trainer with our callbacks, from the start or from where a run stopped."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytorch_lightning as pl

from errors import LibraryError, UserError
from experiments.training.callbacks import EarlyStopping, PruningStop, StepMetrics, Stopwatch, TrainingBar
from experiments.training.checkpoints import Checkpoints, DirectCheckpointIO, restore_best
from host.boundary import first_line
from runs.checkpoint import ResumePoint
from runs.layout import PRECISION_TAG
from runs.outcome import LoggedPoints

if TYPE_CHECKING:
    from experiments.build import Parts
    from tracking.run_log import RunLog


@dataclass(frozen=True)
class ResumeState:
    """Resume state: the checkpoint, the metrics that are logged already, and how the checkpoint is read."""

    point: ResumePoint
    logged: LoggedPoints
    files: DirectCheckpointIO = field(default_factory=DirectCheckpointIO)


def fit(
    parts: Parts,
    log: RunLog,
    checkpoints: Checkpoints,
    *,
    device: str,
    pruning: PruningStop | None,
    bar: TrainingBar,
    resume: ResumeState | None,
) -> int:
    """Train to the end of the run; its number of optimiser steps, those before a resumption included."""
    data, point = parts.data, None if resume is None else resume.point
    if point is not None:
        restore_best(point, parts.learner)
        if point.ended:
            checkpoints.take_over(point)
            return point.step
    accumulated = parts.schedule.accumulate_batches
    data.run_batches = parts.schedule.total_steps * accumulated
    data.first_batch = 0 if point is None else point.batches
    # Checkpoints stand before whatever stops, so that the last validation is never lost.
    observers: list[pl.Callback] = [
        StepMetrics(log, checkpoints.watch, accumulated, resume.logged if resume else {}),
        *_samples(parts, log, checkpoints.watch),  # after the figures: who interrupts the writing keeps those
        checkpoints,
    ]
    callbacks = [*observers, *_stoppers(parts, pruning), bar]
    trainer = _trainer(parts, device, callbacks, resume.files if resume else DirectCheckpointIO())
    # Asked of the trainer: Lightning puts another precision in the place of one it cannot do.
    log.set_tags({PRECISION_TAG: str(trainer.precision)})
    with _taking_in(point, checkpoints):
        trainer.fit(
            parts.learner, datamodule=data, ckpt_path=point.path if point else None, weights_only=True
        )
    return trainer.global_step


@contextmanager
def _taking_in(point: ResumePoint | None, checkpoints: Checkpoints) -> Generator[None]:
    """LibraryError for whatever is raised while the checkpoint is taken in; what comes later passes."""
    try:
        yield
    except SystemExit as error:
        raise KeyboardInterrupt from error  # what Lightning made this of
    except Exception as error:
        if point is None or checkpoints.begun or isinstance(error, UserError):
            raise
        raise LibraryError(
            f"cannot be gone on from ({first_line(error)})",
            where=str(point.path),
            cure="It was altered, or another version of Encore wrote it; restore it.",
        ) from error


def _samples(parts: Parts, log: RunLog, watch: Stopwatch) -> list[pl.Callback]:
    from experiments.training.samples import StorySamples

    samples = parts.config.samples
    return [] if samples is None else [StorySamples(log, parts.data.tokenizer, samples, watch)]


def _stoppers(parts: Parts, pruning: PruningStop | None) -> list[pl.Callback]:
    patience = parts.config.train.early_stopping_patience
    stopping: list[pl.Callback] = [] if patience is None else [EarlyStopping(patience)]
    return stopping if pruning is None else [*stopping, pruning]


def _trainer(
    parts: Parts, device: str, callbacks: Sequence[pl.Callback], files: DirectCheckpointIO
) -> pl.Trainer:
    settings = parts.config.train
    return pl.Trainer(
        accelerator="gpu" if device == "cuda" else "cpu",
        devices=1,
        precision=settings.precision,
        max_steps=parts.schedule.total_steps,
        accumulate_grad_batches=parts.schedule.accumulate_batches,
        val_check_interval=parts.schedule.validate_every_steps * parts.schedule.accumulate_batches,
        check_val_every_n_epoch=None,
        num_sanity_val_steps=0,
        callbacks=list(callbacks),
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        use_distributed_sampler=False,
        plugins=[files],
    )
