"""One process at a time works on a sweep."""

from __future__ import annotations

import os
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from errors import UserError
from host.disk import disk_errors, open_lock, try_lock


@contextmanager
def owned(lock: Path, *, what: str) -> Generator[None]:
    """Hold `lock` (a file) while working; UserError when another process holds it.

    The operating system lets go of it when the process ends, however it ends.
    """
    with os.fdopen(open_lock(lock), "r+", encoding="utf-8") as file:
        if not try_lock(file.fileno()):
            file.seek(0)
            raise UserError(
                f"process {file.read().strip() or 'unknown'} is at work on it",
                where=what,
                cure="Wait for it, or end it; the sweep then goes on where it stopped.",
            )
        with disk_errors(lock):
            file.truncate(0)
            file.write(str(os.getpid()))
            file.flush()
        yield
