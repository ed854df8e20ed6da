"""JSON that somebody else wrote: read within bounds, so that no file of it fills the memory or the stack."""

from __future__ import annotations

import json
import math
from typing import Any

from errors import UserError

_DEEPEST = 100
_MOST_TABLES_AND_LISTS = 3_000_000  # half a GB as Python has them; the largest tokenizers have 600,000


def json_table(content: bytes, *, where: str, cure: str) -> dict[str, Any]:
    """The table that `content` is. UserError where it is something else."""
    found = json_value(content, where=where, cure=cure)
    if not isinstance(found, dict):
        raise UserError(f"is a JSON {_KINDS.get(type(found), 'value')}, not a table", where=where, cure=cure)
    return found


_KINDS: dict[type, str] = {list: "list", str: "text", int: "number", float: "number"}


def json_value(content: bytes, *, where: str, cure: str) -> Any:
    """What the JSON says. UserError for what is none, for NaN and Infinity, and for what is nested too deep."""
    if content.count(b"{") + content.count(b"[") > _MOST_TABLES_AND_LISTS:
        raise UserError("holds too many tables and lists", where=where, cure=cure)
    try:
        found = json.loads(content, parse_constant=_no_number, parse_float=_finite)
        deep = _is_deeper(found, _DEEPEST)
    except RecursionError:
        deep, found = True, None
    except ValueError as error:  # UnicodeDecodeError is one, and so is a number of thousands of digits
        raise UserError(f"is not readable JSON ({_why(error)})", where=where, cure=cure) from error
    if deep:
        raise UserError(f"is nested more than {_DEEPEST} deep", where=where, cure=cure)
    return found


def _why(error: ValueError) -> str:
    return "not UTF-8" if isinstance(error, UnicodeDecodeError) else str(error).split(";")[0][:120]


def _no_number(name: str) -> float:
    raise ValueError(f"{name} is no number")


def _finite(digits: str) -> float:
    number = float(digits)
    return number if math.isfinite(number) else _no_number(digits[:20])


def _is_deeper(found: object, depth: int) -> bool:
    """Whether there are tables and lists inside one another more than `depth` times; level by level, no recursion."""
    level = [found]
    for _ in range(depth + 1):
        below = [value for value in level if isinstance(value, dict | list)]
        level = [inner for value in below for inner in (value.values() if isinstance(value, dict) else value)]
        if not level:
            return False
    return True
