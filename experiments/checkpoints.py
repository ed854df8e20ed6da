"""Checkpoints of a run: enough to go on to the bit, written whole, noticed when damaged.

A checkpoint is taken when a batch is about to begin. Then the step before it is complete with its
validation and all that follows from one, so nothing half-done has to be remembered; gradients that
are being accumulated do not exist, since only a batch that begins a step counts.
"""

from __future__ import annotations

import os
import random
import shutil
import time
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytorch_lightning as pl
import torch
from pytorch_lightning.plugins.io import TorchCheckpointIO

from errors import UserError
from experiments.callbacks import Stopwatch, validation_metrics
from lightning_modules.learner import Learner
from tracking.disk import partial_name, whole_file

LAST, BEST = "last", "best"


@dataclass(frozen=True)
class CheckpointPlan:
    """When checkpoints are written, and which one is the best: by `metric`, then by the lower held-out loss.

    Besides the best and the end: after so many optimiser steps, after so many seconds; either may be none.
    """

    metric: str
    greater_is_better: bool
    every_steps: int | None
    every_seconds: float | None
    accumulate_batches: int

    def rank(self, metrics: Mapping[str, float]) -> tuple[float, float]:
        """Greater is better."""
        value = metrics[self.metric]
        return (value if self.greater_is_better else -value, -metrics["val/loss"])


class Checkpoints(pl.Callback):
    """Keeps `last.ckpt` and `best.ckpt` and weights (safetensors) beside each; equal ones are one file.

    A file is written under a temporary name, flushed to the disk and renamed, so that a crash leaves the one
    before. It also carries the states of the random generators, which are set again when a run goes on.
    """

    def __init__(self, folder: Path, watch: Stopwatch, plan: CheckpointPlan) -> None:
        self.folder = folder
        self.watch = watch
        self.plan = plan
        self.best: dict[str, float] = {}
        self.best_step = 0
        self.best_checksum = 0  # CRC-32 of the best weights' file
        self.ended = False
        self.trained_before_s = 0.0  # by the sittings before this one
        self._best_is_new = False
        self._written_at = time.monotonic()
        self._written_step = 0
        self._random: dict[str, Any] | None = None
        self._began = time.monotonic()

    def state_dict(self) -> dict[str, Any]:
        return {
            "best": self.best,
            "best_step": self.best_step,
            "best_checksum": self.best_checksum,
            "ended": self.ended,
            "trained_s": self.trained_before_s + time.monotonic() - self._began,
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

    def on_validation_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        metrics = validation_metrics(trainer)
        if not self.best or self.plan.rank(metrics) > self.plan.rank(self.best):
            self.best, self.best_step = metrics, trainer.global_step
            self._best_is_new = True

    def on_train_batch_start(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, batch: Any, batch_idx: int
    ) -> None:
        begins_a_step = batch_idx % self.plan.accumulate_batches == 0
        if begins_a_step and (self._best_is_new or self._is_time(trainer.global_step)):
            progress = trainer.fit_loop.epoch_loop.batch_progress
            for counted in (progress.total, progress.current):
                counted.ready -= 1  # this batch has not begun: the run will go on with it
            self._write(trainer, pl_module)
            for counted in (progress.total, progress.current):
                counted.ready += 1

    def on_train_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self.ended = True
        self._write(trainer, pl_module)

    def _is_time(self, step: int) -> bool:
        if step == self._written_step:
            return False
        steps, seconds = self.plan.every_steps, self.plan.every_seconds
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
                self.best_checksum = _checksum(partial)
        with whole_file(self.folder / f"{first}.ckpt") as partial:
            trainer.save_checkpoint(partial, weights_only=False)
        if first == BEST:
            _link_both(self.folder, BEST, LAST)
        self._best_is_new = False
        self._written_at, self._written_step = time.monotonic(), trainer.global_step
        self.watch.go_on()


class PlainFiles(TorchCheckpointIO):
    """Writes a checkpoint straight to its path, which is a temporary name already.

    Lightning's own way holds the bytes in memory and moves them through the system's temporary folder.
    """

    def save_checkpoint(
        self, checkpoint: dict[str, Any], path: str | Path, storage_options: Any | None = None
    ) -> None:
        torch.save(checkpoint, path)


def _checksum(path: Path) -> int:
    return zlib.crc32(path.read_bytes())


def _link_both(folder: Path, source: str, target: str) -> None:
    for suffix in ("safetensors", "ckpt"):
        _link(folder / f"{source}.{suffix}", folder / f"{target}.{suffix}")


def _link(source: Path, target: Path) -> None:
    """`target` becomes the same file as `source`, or a copy where the file system has no links."""
    partial = partial_name(target)
    try:
        os.link(source, partial)
    except OSError:
        shutil.copy2(source, partial)
    partial.replace(target)


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


@dataclass(frozen=True)
class ResumePoint:
    """Where a run can go on: after optimiser step `step` and `batches` batches, or after its end.

    damaged: checkpoints that were passed over, by file name.
    """

    path: Path
    step: int
    batches: int
    best: dict[str, float]
    best_step: int
    best_checksum: int
    ended: bool
    trained_s: float
    damaged: tuple[str, ...]


def checkpoint_folder(root: Path, run_id: str, artifacts: Path | None) -> Path:
    """Where a run's checkpoints are while it goes on: among its local artifacts, or here until a server gets them.

    root: of the store.
    """
    return root / "checkpoints" / run_id if artifacts is None else artifacts / "checkpoints"


def find_resume_point(folder: Path, *, where: str) -> ResumePoint:
    """The newest whole checkpoint in `folder` whose best weights are there too.

    UserError when there is none; `where` names the run in it.
    """
    found: list[ResumePoint] = []
    damaged: list[str] = []
    for name in (LAST, BEST):
        path = folder / f"{name}.ckpt"
        if not path.exists():
            continue
        if not is_whole(path):
            damaged.append(path.name)
            continue
        found.append(_read_point(path))
    best_steps = {point.step for point in found if point.path.stem == BEST}
    for point in sorted(found, key=lambda point: -point.step):
        if point.best_step in {0, point.step, *best_steps} or _has_best_weights(point):
            return replace(point, damaged=tuple(damaged))
    what = f"no whole checkpoint ({', '.join(damaged)} damaged)" if damaged else "no checkpoint yet"
    raise UserError(
        f"{what}: there is nothing to go on from",
        where=where,
        cure="Start it anew with `encore train`.",
    )


def is_whole(path: Path) -> bool:
    """Whether every record of a checkpoint still has the checksum (CRC-32) it was written with."""
    try:
        with zipfile.ZipFile(path) as archive:
            return archive.testzip() is None
    except (zipfile.BadZipFile, EOFError, OSError, ValueError):
        return False


def load_checkpoint(path: Path) -> dict[str, Any]:
    """A checkpoint on the CPU; nothing in it is executed."""
    return torch.load(path, map_location="cpu", weights_only=True, mmap=True)


def _read_point(path: Path) -> ResumePoint:
    content = load_checkpoint(path)
    state = content["callbacks"][Checkpoints.__qualname__]
    if "random" not in state:
        raise UserError(
            "was written by an earlier version of Encore, without all that going on needs",
            where=str(path),
            cure="Start the run anew with `encore train`.",
        )
    progress = content["loops"]["fit_loop"]["epoch_loop.batch_progress"]["current"]
    return ResumePoint(
        path,
        int(content["global_step"]),
        int(progress["completed"]),
        dict(state["best"]),
        int(state["best_step"]),
        int(state["best_checksum"]),
        bool(state["ended"]),
        float(state["trained_s"]),
        (),
    )


def _has_best_weights(point: ResumePoint) -> bool:
    """Whether the best weights beside a checkpoint are those that it speaks of."""
    weights = point.path.with_name(f"{BEST}.safetensors")
    return weights.exists() and _checksum(weights) == point.best_checksum


def restore_best(point: ResumePoint, learner: Learner) -> None:
    """Make the best files those of `point`: a run that died may have written later ones half."""
    if point.best_step == 0:
        return
    folder = point.path.parent
    if not _has_best_weights(point):
        # Either this checkpoint is the best one, or `best.ckpt` is: so it was chosen.
        source = point.path if point.best_step == point.step else folder / f"{BEST}.ckpt"
        learner.load_state_dict(load_checkpoint(source)["state_dict"])
        with whole_file(folder / f"{BEST}.safetensors") as partial:
            learner.save_weights(partial)
    if point.best_step == point.step:
        _link_both(folder, *((BEST, LAST) if point.path.stem == BEST else (LAST, BEST)))
