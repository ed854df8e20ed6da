"""One trial at a time, in the process of the sweep."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")
R = TypeVar("R")


class InlineLauncher(Generic[T, R]):
    """Runs each trial where the sweep waits for it; `run` is what a trial is."""

    slots = 1

    def __init__(self, run: Callable[[T], R]) -> None:
        self._run = run
        self._started: list[tuple[int, T]] = []

    def start(self, number: int, trial: T) -> None:
        self._started.append((number, trial))

    def next_ended(self) -> tuple[int, R]:
        number, trial = self._started.pop(0)
        return number, self._run(trial)
