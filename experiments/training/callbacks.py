"""What happens beside the training loop: metrics, stopping, a progress bar.

Callbacks observe or stop; none loads data, changes the config or writes the record.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytorch_lightning as pl

from experiments.training.origin import StopWhen
from host.progress import OnProgress
from lightning_modules.learner import Learner
from runs.layout import RESUMED_OTHERWISE_TAG, SPEEDS
from runs.outcome import LoggedPoints

if TYPE_CHECKING:
    from tracking.run_log import RunLog


def validation_metrics(trainer: pl.Trainer) -> dict[str, float]:
    """The held-out metrics of the validation that just ended."""
    return {key: float(value) for key, value in trainer.callback_metrics.items() if key.startswith("val/")}


def _bits(value: float) -> str:
    """Tells all values apart, and no NaN from another."""
    return value.hex()


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
    """Logs every optimiser step (loss, what its learner says of it, speed) and every validation.

    logged: points of a resumed run that are in the store already. They are not logged again, and
    a value that comes out otherwise this time is noted: then the run is not what it would have been.
    """

    def __init__(
        self, run_log: RunLog, watch: Stopwatch, accumulate_batches: int, logged: LoggedPoints | None = None
    ) -> None:
        self.run_log = run_log
        self.watch = watch
        self.accumulate_batches = accumulate_batches
        self.logged = logged or {}
        self._came_out_otherwise = False
        self._losses: list[float] = []
        self._examples = self._tokens = 0
        self._since = 0.0

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self._since = self.watch.now()

    def on_validation_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self.watch.stop()

    def on_train_batch_end(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        self._losses.append(float(outputs["loss"]) * self.accumulate_batches)
        self._examples += len(batch["row"])
        self._tokens += int(batch["attention_mask"].sum())
        if len(self._losses) < self.accumulate_batches:
            return
        assert isinstance(pl_module, Learner)
        now = self.watch.now()
        values = {
            "train/loss": sum(self._losses) / len(self._losses),
            **pl_module.step_figures(),
            **{
                name: done / (now - self._since)
                for name, done in zip(SPEEDS, (self._examples, self._tokens), strict=True)
            },
        }
        self._log(values, trainer.global_step)
        self._losses.clear()
        self._examples = self._tokens = 0
        self._since = now

    def on_validation_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self._log(validation_metrics(trainer), trainer.global_step)
        self.watch.go_on()

    def _log(self, values: dict[str, float], step: int) -> None:
        known = self.logged.get(step, {})
        for key in values.keys() & known.keys() - set(SPEEDS):
            if _bits(values[key]) != _bits(known[key]) and not self._came_out_otherwise:
                self._came_out_otherwise = True
                self.run_log.set_tags({RESUMED_OTHERWISE_TAG: f"{key} at step {step}"})
        new = {key: value for key, value in values.items() if key not in known}
        if new:
            self.run_log.log_metrics(new, step=step)


class PruningStop(pl.Callback):
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


class TrainingBar(pl.Callback):
    """Reports the optimiser steps, the batches of a validation, and the latest held-out metrics, `primary` first."""

    def __init__(self, on_progress: OnProgress, title: str, total_steps: int, *, primary: str) -> None:
        self.on_progress = on_progress
        self.title = title
        self.total_steps = total_steps
        self.primary = primary

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self.on_progress(self.title, trainer.global_step, self.total_steps)

    def on_train_batch_end(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        self.on_progress(self.title, trainer.global_step, self.total_steps)

    def on_validation_batch_end(
        self,
        trainer: pl.Trainer,
        pl_module: pl.LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
        dataloader_idx: int = 0,
    ) -> None:
        self.on_progress(f"{self.title}: validating", batch_idx + 1, int(trainer.num_val_batches[0]))

    def on_validation_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        values = validation_metrics(trainer)
        keys = sorted(values, key=lambda key: (key != self.primary, key))
        figures = [f"{key} {values[key]:.4f}" for key in keys]
        self.on_progress(self.title, trainer.global_step, self.total_steps, figures)
