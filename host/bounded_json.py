"""JSON that somebody else may have written: of a size, a depth and numbers that no reader stumbles over."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

LARGEST_BYTES = 64 * 2**20
DEEPEST = 32
_LARGEST_NUMBER = 2**63


class OddJsonError(ValueError):
    """What is wrong with it, fit for a sentence after its name: `is not JSON`."""


def read_json(path: Path) -> Any:
    """The value in a file. Bytes that are no UTF-8 are read as U+FFFD.

    OddJsonError for what is no JSON, over 64 MiB, nested deeper than 32, or holds a whole number beyond 64 bits, or
    half a surrogate pair, which can be neither printed nor written.
    """
    if (size := path.stat().st_size) > LARGEST_BYTES:
        raise OddJsonError(f"is too large ({size:,} bytes, {LARGEST_BYTES:,} at most)")
    return parse_json(path.read_bytes().decode(errors="replace"))


def parse_json(text: str) -> Any:
    """The value that `text` says; OddJsonError as for a file."""
    try:
        value = json.loads(text)
    except RecursionError as error:
        raise OddJsonError(f"is nested deeper than {DEEPEST}") from error
    except ValueError as error:  # also a number of more digits than Python reads
        raise OddJsonError("is not JSON") from error
    _check(value)
    return value


def _check(value: Any) -> None:
    """Level by level: what is nested too deep for json is too deep for any function that calls itself."""
    level = [value]
    for _ in range(DEEPEST + 1):
        for item in level:
            _check_leaf(item)
        level = [inner for item in level for inner in _inside(item)]
        if not level:
            return
    raise OddJsonError(f"is nested deeper than {DEEPEST}")


def _inside(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return [*value.keys(), *value.values()]
    return value if isinstance(value, list) else []


def _check_leaf(value: Any) -> None:
    if isinstance(value, int) and abs(value) >= _LARGEST_NUMBER:
        raise OddJsonError("holds a whole number beyond 64 bits")
    if isinstance(value, str) and not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError as error:
            raise OddJsonError("holds half a surrogate pair") from error
