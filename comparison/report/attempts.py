"""Parts of a report that may fail: each costs itself alone."""

from __future__ import annotations

import traceback
from collections.abc import Generator
from contextlib import contextmanager

from host.boundary import first_line


class Attempts:
    """What of a report may fail: a note each, and the traceback for who wants it."""

    def __init__(self) -> None:
        self.notes: list[str] = []
        self.tracebacks: list[str] = []

    @contextmanager
    def __call__(self, what: str) -> Generator[None]:
        try:
            yield
        except Exception as error:  # noqa: BLE001 whatever a library, a record or a disk raises
            self.notes.append(f"{what} ({first_line(error)}).")
            self.tracebacks.append("".join(traceback.format_exception(error)))
