"""Settings and figures as a report shows them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from pages.texts import label
from schema.numbers import counted, decimal, three_digits

_LISTED = 6
NONE = "-"


def setting(text: str) -> str:
    """A fraction with three digits that count; any other value on one line."""
    return three_digits(text) or label(text)


def as_number(text: str) -> float | None:
    """Of a finite number; what is none has no place on an axis."""
    try:
        return decimal(text)
    except ValueError:
        return None


def as_count(text: str) -> str:
    """A whole number with its thousands apart; any other text as it is."""
    number = counted(text)
    return text if number is None else f"{number:,}"


def spread(texts: Sequence[str]) -> str:
    """What values there are: a range of numbers, or each value with how many have it."""
    counts = Counter(texts)
    if (scale := _range(counts)) is not None:
        return f"{scale} ({len(counts)} values)"
    shown = [f"{setting(value)} ({count})" for value, count in counts.most_common(_LISTED)]
    return ", ".join([*shown, *([f"and {len(counts) - _LISTED} more"] if len(counts) > _LISTED else [])])


def listed(texts: Sequence[str]) -> str:
    """The same in a sentence, without how many have it."""
    counts = Counter(texts)
    some = sorted(
        (value for value, _ in counts.most_common(_LISTED)), key=lambda value: as_number(value) or 0.0
    )
    shown = ", ".join(map(setting, some))
    return _range(counts) or shown + (f" and {len(counts) - _LISTED} more" if len(counts) > _LISTED else "")


def _range(counts: Counter[str]) -> str | None:
    """Of many different numbers."""
    numbers = sorted((number, value) for value in counts if (number := as_number(value)) is not None)
    if not len(numbers) == len(counts) > _LISTED:
        return None
    return f"{setting(numbers[0][1])} to {setting(numbers[-1][1])}"


def figure(value: float | None, form: str = ".3g") -> str:
    return NONE if value is None else f"{value:{form}}"
