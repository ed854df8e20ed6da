"""A sentence for the user that is no result and no error: what was decided or left out of what came from outside."""

from __future__ import annotations

import sys
from collections.abc import Generator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache

from errors import one_line

_LINE = 500  # characters, as of an error: names of files and tokens of somebody else's may be in it
_listening: ContextVar[list[str] | None] = ContextVar("listening", default=None)


def notice(sentence: str, *, of_folder: bool = True) -> None:
    """Say it on stderr, once in a process: a sweep reads the same folder for every trial.

    of_folder: it is about a folder that is read for every run, so each run that reads it records it.
    """
    line = one_line(sentence, _LINE)
    found = _listening.get()
    if of_folder and found is not None and line not in found:
        found.append(line)
    _say_once(line)


@cache
def _say_once(line: str) -> None:
    print(one_line(f"encore: {line}", _LINE), file=sys.stderr)  # noqa: T201


@contextmanager
def notices_of_folders() -> Generator[list[str]]:
    """A list of the notices about folders in the block, in their order, those that were printed before included."""
    found: list[str] = []
    before = _listening.set(found)
    try:
        yield found
    finally:
        _listening.reset(before)
