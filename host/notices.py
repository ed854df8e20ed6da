"""A sentence for the user that is no result and no error: what was decided or left out of what came from outside."""

from __future__ import annotations

import sys
from functools import cache

from errors import one_line

_LINE = 500  # characters, as of an error: names of files and tokens of somebody else's may be in it


@cache
def notice(sentence: str) -> None:
    """Say it on stderr, once in a process: a sweep reads the same folder for every trial."""
    print(one_line(f"encore: {sentence}", _LINE), file=sys.stderr)  # noqa: T201
