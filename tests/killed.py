"""How a run is killed, and what is held against another."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import contextmanager

import pytest

from lightning_modules.learner import Learner
from runs.files import RunFiles
from runs.layout import SPEEDS
from runs.outcome import read_outcome
from tracking.entities import RunRecord
from tracking.store import Store


class Killed(BaseException):
    """Ends a run as nothing in it expects."""


@contextmanager
def killed_at(batch: int, where: str = "training_step") -> Generator[None]:
    """Have the `batch`-th call (from 1) of a method of every learner kill the run."""
    original: Callable[..., object] = getattr(Learner, where)
    calls = iter(range(1, 10**9))

    def step(self: Learner, *arguments: object) -> object:
        if next(calls) == batch:
            raise Killed
        return original(self, *arguments)

    setattr(Learner, where, step)
    try:
        with pytest.raises(Killed):
            yield
    finally:
        setattr(Learner, where, original)


def outcome(store: Store, run_id: str) -> tuple[object, ...]:
    """All that must be equal, and how often every step was logged."""
    record = store.find(run_id)
    found = read_outcome(RunFiles(store, record))
    counts = [(step, len(values)) for step, values in found.points.items()]
    lengths = [len(store.metric_history(run_id, key)) for key in ("train/loss", *SPEEDS, "val/loss")]
    return found.digests, found.points, found.metrics, found.steps, counts, lengths


def newest(store: Store) -> RunRecord:
    return store.runs(limit=1)[0]
