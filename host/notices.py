"""A sentence for the user that is no result and no error: what was decided or left out of what came from outside."""

from __future__ import annotations

import sys
from functools import cache


@cache
def notice(sentence: str) -> None:
    """Say it on stderr, once in a process: a sweep reads the same folder for every trial."""
    print(f"encore: {sentence}", file=sys.stderr)  # noqa: T201
