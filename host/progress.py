"""Whom long work reports to: how far it is, and sentences in between."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Literal, Protocol

Style = Literal["plain", "faint", "warning", "log"]
"""How a sentence stands out. log: only where there is no bar to look at, in a file or a pipe."""


class OnProgress(Protocol):
    """Called with what is being done, how much of it is done and how much there is (0 where nobody can say).

    figures: the latest results, such as `val/loss 0.3912`, the most important one first.
    """

    def __call__(self, what: str, done: int, total: int, figures: Sequence[str] = ()) -> None: ...


class Reporter(Protocol):
    """A terminal, a log, nobody: a process without a terminal needs no other one than this."""

    def say(self, sentence: str, style: Style = "plain") -> None:
        """Print a sentence as it is: of what it holds, nothing is markup. A warning is printed once."""
        ...

    def progress(self) -> AbstractContextManager[OnProgress]:
        """Show the latest kind of work that is reported, until the block ends."""
        ...


def silent(what: str, done: int, total: int, figures: Sequence[str] = ()) -> None:
    """Report to nobody."""


class _Silent:
    """A reporter that nobody hears."""

    def say(self, sentence: str, style: Style = "plain") -> None:
        pass

    @contextmanager
    def progress(self) -> Generator[OnProgress]:
        yield silent


SILENT: Reporter = _Silent()


@contextmanager
def working(reporter: Reporter, what: str) -> Generator[None]:
    """Work of which nobody can say how much there is."""
    with reporter.progress() as on_progress:
        on_progress(what, 0, 0)
        yield
