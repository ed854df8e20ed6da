"""JSON that somebody else may have written: within bounds, so that no file of it fills the memory or the stack."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

LARGEST_BYTES = 64 * 2**20
_MOST_TABLES_AND_LISTS = 3_000_000  # half a GB as Python has them; the largest tokenizers have 600,000
_LARGEST_NUMBER = 2**63


@dataclass(frozen=True)
class Bounds:
    """What a value may hold. deepest: how many tables and lists may lie in one another.

    finite: neither NaN nor Infinity. writable: no whole number beyond 64 bits, which no column holds, and no half of a
    surrogate pair, which can be neither printed nor written.
    """

    deepest: int
    finite: bool
    writable: bool


RECORD = Bounds(deepest=32, finite=False, writable=True)  # a loss may be NaN
FOREIGN = Bounds(deepest=100, finite=True, writable=False)  # a tokenizer without a longest text says 10^30


class OddJsonError(ValueError):
    """What is wrong with it, fit for a sentence after its name: `is not JSON`."""


def read_json(path: Path) -> Any:
    """The value in a file of a record. Bytes that are no UTF-8 are read as U+FFFD.

    OddJsonError for a file over 64 MiB and for all that `parse_json` refuses.
    """
    if (size := path.stat().st_size) > LARGEST_BYTES:
        raise OddJsonError(f"is too large ({size:,} bytes, {LARGEST_BYTES:,} at most)")
    return parse_json(path.read_bytes().decode(errors="replace"))


def parse_json(text: str | bytes, bounds: Bounds = RECORD) -> Any:
    """The value that `text` says. OddJsonError for what is no JSON or out of bounds."""
    if _opened(text) > _MOST_TABLES_AND_LISTS:
        raise OddJsonError("holds too many tables and lists")
    numbers: dict[str, Any] = {"parse_constant": _no_number, "parse_float": _finite} if bounds.finite else {}
    try:
        value = json.loads(text, **numbers)
    except RecursionError as error:
        raise OddJsonError(f"is nested deeper than {bounds.deepest}") from error
    except ValueError as error:  # UnicodeDecodeError is one, and so is a number of thousands of digits
        raise OddJsonError(f"is not JSON ({_why(error)})") from error
    _check(value, bounds)
    return value


def _opened(text: str | bytes) -> int:
    return text.count("{") + text.count("[") if isinstance(text, str) else text.count(b"{") + text.count(b"[")


def _why(error: ValueError) -> str:
    return "not UTF-8" if isinstance(error, UnicodeDecodeError) else str(error).split(";")[0][:120]


def _no_number(name: str) -> float:
    raise ValueError(f"{name} is no number")


def _finite(digits: str) -> float:
    number = float(digits)
    return number if math.isfinite(number) else _no_number(digits[:20])


def _check(value: Any, bounds: Bounds) -> None:
    """Level by level: what is nested too deep for json is too deep for any function that calls itself."""
    level = [value]
    for _ in range(bounds.deepest + 1):
        if bounds.writable:
            for item in level:
                _check_leaf(item)
        level = [inner for item in level if isinstance(item, dict | list) for inner in _inside(item)]
        if not level:
            return
    raise OddJsonError(f"is nested deeper than {bounds.deepest}")


def _inside(value: dict[str, Any] | list[Any]) -> list[Any]:
    return [*value, *value.values()] if isinstance(value, dict) else value


def _check_leaf(value: Any) -> None:
    if isinstance(value, int) and abs(value) >= _LARGEST_NUMBER:
        raise OddJsonError("holds a whole number beyond 64 bits")
    if isinstance(value, str) and not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError as error:
            raise OddJsonError("holds half a surrogate pair") from error
