"""Checkpoints of a run: enough to go on to the bit, written whole, noticed when damaged.

A checkpoint is taken when a batch is about to begin. Then the step before it is complete with its
validation and all that follows from one, so nothing half-done has to be remembered; gradients that
are being accumulated do not exist, since only a batch that begins a step counts.
"""

from __future__ import annotations

import random
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytorch_lightning as pl
import torch
from pytorch_lightning.plugins.io import TorchCheckpointIO

from experiments.config import TrainConfig
from experiments.training.callbacks import Stopwatch, validation_metrics
from host.boundary import boundary
from host.disk import link, whole_file
from lightning_modules.learner import Learner
from runs.checkpoint import (
    BEST,
    LAST,
    ResumePoint,
    checksum,
    has_best_weights,
    whole_checkpoint,
)
from runs.checkpoint_folder import link_pair
from runs.lightning_state import CALLBACK, SCHEMA, before_this_batch
from scoring.task import Task


@dataclass(frozen=True)
class CheckpointPlan:
    """When checkpoints are written, and which one is the best: by the task's metric, then by the lower held-out loss.

    seed: of the run, which its generators began with. accumulate_batches: of an optimiser step.
    """

    config: TrainConfig
    task: Task
    seed: int
    accumulate_batches: int

    @property
    def every_seconds(self) -> float | None:
        minutes = self.config.checkpoint_every_minutes
        return None if minutes is None else 60 * minutes

    def rank(self, metrics: Mapping[str, float]) -> tuple[float, float]:
        """Greater is better."""
        value = metrics[self.task.primary_metric]
        return (value if self.task.greater_is_better else -value, -metrics["val/loss"])


class Checkpoints(pl.Callback):
    """Keeps `last.ckpt` and `best.ckpt` and weights (safetensors) beside each, and `step-<n>.ckpt` where asked to.

    Equal ones are one file.

    A file is written under a temporary name, flushed to the disk and renamed, so that a crash leaves the one
    before. It also carries the states of the random generators, which are set again when a run is resumed.
    """

    def __init__(self, folder: Path, watch: Stopwatch, plan: CheckpointPlan) -> None:
        self.folder = folder
        self.watch = watch
        self.plan = plan
        self.best: dict[str, float] = {}
        self.best_step = 0
        self.best_checksum = 0  # CRC-32 of the best weights' file
        self.ended = False
        self.trained_before_s = 0.0  # by the processes before this one
        self.begun = False  # whether the checkpoint that it resumes from has been loaded
        self._best_is_new = False
        self._written_at = time.monotonic()
        self._written_step = 0
        self._random: dict[str, Any] | None = None
        self._began = time.monotonic()

    @property
    def state_key(self) -> str:
        return CALLBACK

    def state_dict(self) -> dict[str, Any]:
        return {
            "schema": SCHEMA,
            "best": self.best,
            "best_step": self.best_step,
            "best_checksum": self.best_checksum,
            "ended": self.ended,
            "trained_s": self.trained_before_s + time.monotonic() - self._began,
            "seed": self.plan.seed,
            "random": _random_states(),
        }

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self.best, self.best_step = state_dict["best"], state_dict["best_step"]
        self.best_checksum = state_dict["best_checksum"]
        self.trained_before_s = state_dict["trained_s"]
        self._random = state_dict["random"]

    def take_over(self, point: ResumePoint) -> None:
        """Stand as at the end of a training that had ended at `point`."""
        self.best, self.best_step, self.best_checksum = point.best, point.best_step, point.best_checksum
        self.trained_before_s = point.trained_s

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self._written_step = trainer.global_step
        if self._random is not None:  # after everything that a start draws, before the first batch does
            _set_random_states(self._random)
        self.begun = True

    def on_validation_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        metrics = validation_metrics(trainer)
        if not self.best or self.plan.rank(metrics) > self.plan.rank(self.best):
            self.best, self.best_step = metrics, trainer.global_step
            self._best_is_new = True

    def on_train_batch_start(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, batch: Any, batch_idx: int
    ) -> None:
        begins_a_step = batch_idx % self.plan.accumulate_batches == 0
        kept = begins_a_step and self._is_kept(trainer.global_step)
        if begins_a_step and (self._best_is_new or kept or self._is_time(trainer.global_step)):
            with before_this_batch(trainer):
                self._write(trainer, pl_module)
        if kept:
            link(self.folder / f"{LAST}.ckpt", self.folder / f"step-{trainer.global_step}.ckpt")

    def on_train_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self.ended = True
        self._write(trainer, pl_module)

    def _is_kept(self, step: int) -> bool:
        every = self.plan.config.keep_checkpoint_every_steps
        return every is not None and step > 0 and step % every == 0

    def _is_time(self, step: int) -> bool:
        if step == self._written_step:
            return False
        steps, seconds = self.plan.config.checkpoint_every_steps, self.plan.every_seconds
        if steps is not None and step - self._written_step >= steps:
            return True
        return seconds is not None and time.monotonic() - self._written_at > seconds

    def _write(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        assert isinstance(pl_module, Learner)
        self.watch.stop()
        # The best first: whatever interrupts this, `last` never speaks of a best that is not there.
        first = BEST if self._best_is_new else LAST
        with whole_file(self.folder / f"{first}.safetensors") as partial:
            pl_module.save_weights(partial)
            if first == BEST:
                self.best_checksum = checksum(partial)
        with whole_file(self.folder / f"{first}.ckpt") as partial:
            trainer.save_checkpoint(partial, weights_only=False)
        if first == BEST:
            link_pair(self.folder, BEST, LAST)
        self._best_is_new = False
        self._written_at, self._written_step = time.monotonic(), trainer.global_step
        self.watch.go_on()


class DirectCheckpointIO(TorchCheckpointIO):
    """Writes a checkpoint straight to its path, which is a temporary name already.

    Lightning's own way holds the bytes in memory and moves them through the system's temporary folder.
    """

    def save_checkpoint(
        self, checkpoint: dict[str, Any], path: str | Path, storage_options: Any | None = None
    ) -> None:
        with boundary(
            "the checkpoint cannot be written", where=str(path), cure="Look at its disk.", writing=0
        ):
            torch.save(checkpoint, path)


def _random_states() -> dict[str, Any]:
    """Of Python's, numpy's and torch's global generators, in types that a weights-only load accepts."""
    name, keys, position, has_gauss, gauss = np.random.get_state()
    return {
        "python": random.getstate(),
        "numpy": (name, torch.from_numpy(np.asarray(keys, dtype=np.int64)), position, has_gauss, gauss),
        "torch": torch.get_rng_state(),
        "cuda": torch.cuda.get_rng_state_all() if torch.cuda.is_available() else [],
    }


def _set_random_states(states: Mapping[str, Any]) -> None:
    name, keys, *rest = states["numpy"]
    random.setstate(states["python"])
    np.random.set_state((name, keys.numpy().astype(np.uint32), *rest))
    torch.set_rng_state(states["torch"])
    if torch.cuda.is_available():
        torch.cuda.set_rng_state_all(states["cuda"])


def restore_best(point: ResumePoint, learner: Learner) -> None:
    """Make the files beside `point` those that it speaks of: later ones may be half written, weights damaged.

    Weights (safetensors) have no checksum of their own, so they come from a checkpoint, which has.
    """
    if point.best_step == 0:
        return
    folder = point.path.parent
    if not has_best_weights(point):
        # Either this checkpoint is the best one, or `best.ckpt` is: so it was chosen.
        source = point.path if point.best_step == point.step else folder / f"{BEST}.ckpt"
        _write_weights(source, folder / f"{BEST}.safetensors", learner)
    if point.best_step == point.step:
        link(folder / f"{BEST}.safetensors", folder / f"{LAST}.safetensors")
        link(point.path, folder / f"{LAST if point.path.stem == BEST else BEST}.ckpt")
    elif point.ended:  # else the training writes them again
        _write_weights(point.path, folder / f"{LAST}.safetensors", learner)


def _write_weights(checkpoint: Path, target: Path, learner: Learner) -> None:
    content = whole_checkpoint(checkpoint)
    with boundary("holds the weights of another model", where=str(checkpoint), cure="Restore it."):
        learner.load_state_dict(content["state_dict"])
    with whole_file(target) as partial:
        learner.save_weights(partial)
