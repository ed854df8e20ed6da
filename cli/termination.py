"""SIGTERM, with which schedulers and `kill` end a process: the command ends as by Ctrl-C, and says that it was that."""

from __future__ import annotations

import signal

_INTERRUPTED = ("interrupted", 130)
_TERMINATED = ("terminated", 143)  # 128 and the signal's number, as a shell counts
_came: list[int] = []


def interrupt_on_sigterm() -> None:
    """Have a SIGTERM raise KeyboardInterrupt: the run is closed in the store first."""
    _came.clear()
    signal.signal(signal.SIGTERM, _interrupt)


def how_interrupted() -> tuple[str, int]:
    """What ended a command that a KeyboardInterrupt ended, in a word, and its exit code.

    The exception does not tell them apart: Lightning makes a SystemExit of any.
    """
    return _TERMINATED if _came else _INTERRUPTED


def _interrupt(number: int, _frame: object) -> None:
    """Once: who sends it again, or to the whole group, does not break off the closing."""
    if not _came:
        _came.append(number)
        raise KeyboardInterrupt
