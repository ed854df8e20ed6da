"""Numbers as people type them: decimal, finite, of ASCII digits, and none of 5,000 digits."""

from __future__ import annotations

import math
import re

_WHOLE = re.compile(r"[-+]?[0-9]+")
_DECIMAL = re.compile(r"[-+]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][-+]?[0-9]+)?")
_LARGEST = 2**63 - 1  # what databases and array libraries hold
_LARGEST_DIGITS = len(str(_LARGEST))


def whole(text: str) -> int | None:
    """The whole number that `text` is; None where it is none. `010` is ten: `seq -w` writes such numbers.

    ValueError when it does not fit 64 bits: Python refuses to convert, and to print, more than 4,300 digits.
    """
    if not _WHOLE.fullmatch(text):
        return None
    digits = text.lstrip("+-").lstrip("0") or "0"
    number = int(digits) if len(digits) <= _LARGEST_DIGITS else None
    if number is None or number > _LARGEST:
        raise ValueError(f"a whole number of {len(digits):,} digits does not fit 64 bits")
    return -number if text[0] == "-" else number


def counted(text: str) -> int | None:
    """The number from 0 that `text` names, as in `ID@STEP`; None where it names none that could be."""
    try:
        number = whole(text)
    except ValueError:
        return None
    return number if number is not None and number >= 0 else None


def three_digits(text: str) -> str | None:
    """The number that `text` is with three digits that count, a whole one with all: a seed of five digits is a name.

    None where it is no finite decimal number.
    """
    try:
        number = decimal(text)
    except ValueError:
        return None
    if number is None:
        return None
    return text if _WHOLE.fullmatch(text) else f"{number:.3g}"


def decimal(text: str) -> float | None:
    """The decimal number that `text` is, such as 0.1, 5 or 2e-5; None where it is none.

    ValueError when a float cannot hold it: 1e999 would be infinite, 1e-999 would be 0.
    """
    if not _DECIMAL.fullmatch(text):
        return None
    number = float(text)
    if not math.isfinite(number):
        raise ValueError("too large for a floating-point number")
    if number == 0 and re.search(r"[1-9]", re.split(r"[eE]", text)[0]):
        raise ValueError("too small for a floating-point number")
    return number
