"""What happens beside the training loop: metrics, checkpoints, stopping, a progress bar.

Callbacks observe or stop; none loads data, changes the config or writes the record.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytorch_lightning as pl
from rich.progress import TextColumn

from experiments.progress import new_progress
from lightning_modules.learner import Learner
from tracking.disk import whole_file

if TYPE_CHECKING:
    from rich.console import Console
    from torch.optim import Optimizer

    from tracking.run_log import RunLog

# Asked after every validation with the optimiser step and the held-out metrics: stop here?
StopWhen = Callable[[int, Mapping[str, float]], bool]


def validation_metrics(trainer: pl.Trainer) -> dict[str, float]:
    """The held-out metrics of the validation that just ended."""
    return {key: float(value) for key, value in trainer.callback_metrics.items() if key.startswith("val/")}


class Stopwatch:
    """Seconds of training proper: validations and the writing of checkpoints are not slow training."""

    def __init__(self) -> None:
        self._stopped_s = 0.0
        self._stopped_at = 0.0

    def now(self) -> float:
        return time.perf_counter() - self._stopped_s

    def stop(self) -> None:
        self._stopped_at = time.perf_counter()

    def go_on(self) -> None:
        self._stopped_s += time.perf_counter() - self._stopped_at


class StepMetrics(pl.Callback):
    """Logs every optimiser step (loss, learning rate, gradient norm, speed) and every validation."""

    def __init__(self, run_log: RunLog, watch: Stopwatch, accumulate_batches: int) -> None:
        self.run_log = run_log
        self.watch = watch
        self.accumulate_batches = accumulate_batches
        self.history: list[tuple[int, dict[str, float]]] = []
        self._losses: list[float] = []
        self._examples = 0
        self._since = self._learning_rate = 0.0

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self._since = self.watch.now()

    def on_before_optimizer_step(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, optimizer: Optimizer
    ) -> None:
        # Read here: by the end of the batch the schedule has moved on to the next step.
        self._learning_rate = float(optimizer.param_groups[-1]["lr"])

    def on_validation_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self.watch.stop()

    def on_train_batch_end(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        self._losses.append(float(outputs["loss"]) * self.accumulate_batches)
        self._examples += len(batch["row"])
        if len(self._losses) < self.accumulate_batches:
            return
        assert isinstance(pl_module, Learner)
        now = self.watch.now()
        values = {
            "train/loss": sum(self._losses) / len(self._losses),
            "train/learning_rate": self._learning_rate,
            "train/gradient_norm": float(pl_module.last_gradient_norm),
            "train/examples_per_s": self._examples / (now - self._since),
        }
        self.run_log.log_metrics(values, step=trainer.global_step)
        self._losses.clear()
        self._examples = 0
        self._since = now

    def on_validation_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        values = validation_metrics(trainer)
        self.history.append((trainer.global_step, values))
        self.run_log.log_metrics(values, step=trainer.global_step)
        self.watch.go_on()


class StopOnCue(pl.Callback):
    """Stops after the validation at which `stop_when` says so: pruning. The last step ends by itself."""

    def __init__(self, stop_when: StopWhen) -> None:
        self.stop_when = stop_when
        self.stopped_at: int | None = None

    def on_validation_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        stop = self.stop_when(trainer.global_step, validation_metrics(trainer))
        if stop and trainer.global_step < trainer.max_steps:
            self.stopped_at = trainer.global_step
            trainer.should_stop = True


class EarlyStopping(pl.Callback):
    """Stops after `patience` validations in a row without a lower held-out loss."""

    def __init__(self, patience: int) -> None:
        self.patience = patience
        self.lowest = float("inf")
        self.without = 0

    def state_dict(self) -> dict[str, Any]:
        return {"lowest": self.lowest, "without": self.without}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self.lowest, self.without = state_dict["lowest"], state_dict["without"]

    def on_validation_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        loss = validation_metrics(trainer)["val/loss"]
        self.without = 0 if loss < self.lowest else self.without + 1
        self.lowest = min(loss, self.lowest)
        if self.without >= self.patience:
            trainer.should_stop = True


class Checkpoints(pl.Callback):
    """Keeps `best.ckpt` and `last.ckpt` (all that training needs to go on) and weights beside each.

    Best is by the primary metric, between equals the lower held-out loss. A file is written under a
    temporary name, flushed to the disk and renamed, so that a crash leaves the one before.
    """

    def __init__(
        self,
        folder: Path,
        metric: str,
        watch: Stopwatch,
        *,
        greater_is_better: bool,
        every_minutes: float | None,
    ) -> None:
        self.folder = folder
        self.watch = watch
        self.metric = metric
        self.greater_is_better = greater_is_better
        self.every_seconds = float("inf") if every_minutes is None else 60 * every_minutes
        self.best: dict[str, float] = {}
        self.best_step = 0
        self._written_at = time.monotonic()

    def state_dict(self) -> dict[str, Any]:
        return {"best": self.best, "best_step": self.best_step}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self.best, self.best_step = state_dict["best"], state_dict["best_step"]

    def _rank(self, metrics: Mapping[str, float]) -> tuple[float, float]:
        value = metrics[self.metric]
        return (value if self.greater_is_better else -value, -metrics["val/loss"])

    def on_validation_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        metrics = validation_metrics(trainer)
        if not self.best or self._rank(metrics) > self._rank(self.best):
            self.best, self.best_step = metrics, trainer.global_step
            self._write(trainer, pl_module, "best")

    def on_train_batch_end(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        if time.monotonic() - self._written_at > self.every_seconds:
            self._write(trainer, pl_module, "last")

    def on_train_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self._write(trainer, pl_module, "last")

    def _write(self, trainer: pl.Trainer, pl_module: pl.LightningModule, name: str) -> None:
        assert isinstance(pl_module, Learner)
        self.watch.stop()
        with whole_file(self.folder / f"{name}.ckpt") as partial:
            trainer.save_checkpoint(partial, weights_only=False)
        with whole_file(self.folder / f"{name}.safetensors") as partial:
            pl_module.save_weights(partial)
        self.watch.go_on()
        self._written_at = time.monotonic()


class TrainingBar(pl.Callback):
    """A progress bar over the optimiser steps, with the latest held-out metrics."""

    def __init__(self, console: Console, title: str, total_steps: int) -> None:
        self.progress = new_progress(console, TextColumn("{task.fields[score]}"))
        self.task = self.progress.add_task(title, total=total_steps, score="")

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self.progress.start()

    def on_train_batch_end(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        self.progress.update(self.task, completed=trainer.global_step)  # a thread of the bar's draws it

    def on_validation_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        values = validation_metrics(trainer)
        score = "  ".join(f"{key} {value:.4f}" for key, value in sorted(values.items()))
        self.progress.update(self.task, completed=trainer.global_step, score=score)

    def teardown(self, trainer: pl.Trainer, pl_module: pl.LightningModule, stage: str) -> None:
        self.progress.stop()

    def on_exception(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, exception: BaseException
    ) -> None:
        self.progress.stop()
