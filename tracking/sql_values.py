"""Values of SQLite's columns, each of the kind that it has to be: SQLite keeps in a column whatever it is given."""

from __future__ import annotations

import math

from errors import UserError
from tracking.search import as_float


def text_of(value: object) -> str:
    if value is None:
        return ""
    if not isinstance(value, str):
        raise _altered(value, "text")
    return value


def whole_of(value: object) -> int:
    if not isinstance(value, int):
        raise _altered(value, "whole number")
    return value


def number_of(value: object, nan: object) -> float:
    if nan:
        return math.nan
    if not isinstance(value, (int, float)):
        raise _altered(value, "number")
    return as_float(float(value))


def _altered(value: object, kind: str) -> UserError:
    return UserError(
        f"holds {value!r:.60} where a {kind} belongs",
        where="the tracking store",
        cure="It was altered; restore it.",
    )
