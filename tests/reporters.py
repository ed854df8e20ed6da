"""A reporter that keeps what it is told."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import contextmanager

from host.progress import OnProgress, Style


class KeptReporter:
    """`said`: sentences with their style; `told`: what was being done, how much of it was done, of how much."""

    def __init__(self) -> None:
        self.said: list[tuple[str, Style]] = []
        self.told: list[tuple[str, int, int]] = []

    def say(self, sentence: str, style: Style = "plain") -> None:
        self.said.append((sentence, style))

    @contextmanager
    def progress(self) -> Generator[OnProgress]:
        yield self._told

    def _told(self, what: str, done: int, total: int, figures: Sequence[str] = ()) -> None:
        self.told.append((what, done, total))
