"""How a run ends that does not end well: the store and the user are told."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import torch

from errors import RunError

if TYPE_CHECKING:
    from experiments.config import ExperimentConfig
    from tracking.run_log import RunLog


@contextmanager
def ended_in_the_record(log: RunLog, *, going_on: Callable[[], str]) -> Generator[None]:
    """Whatever ends the run, the store says so: no run stays RUNNING.

    going_on: how an interrupted one goes on, asked for then; "" where somebody else says it.
    """
    try:
        yield
    except KeyboardInterrupt as interrupt:
        log.finish("KILLED", reason="interrupted")
        cure = going_on()
        told = f"run {log.run_id[:8]} is KILLED in the store{f', {cure}' if cure else ''}"
        raise KeyboardInterrupt(told) from interrupt
    except BaseException as error:
        log.finish("FAILED", reason=str(error) or type(error).__name__, traceback=traceback.format_exc())
        raise


@contextmanager
def memory_errors(config: ExperimentConfig) -> Generator[None]:
    """A GPU that is too small for the config is one line."""
    try:
        yield
    except torch.OutOfMemoryError as error:
        raise RunError(
            "the GPU's memory is used up",
            where=f"data.batch_size={config.data.batch_size}",
            cure="Lower it (train.accumulate_batches keeps the step's size), data.max_tokens or evaluation_tokens.",
        ) from error
