"""Labels: whole numbers from 0 on, whichever way a file writes them, and what a file calls them."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence

from errors import UserError
from host.text import shown, shown_list

_WHOLE = re.compile(r"([0-9]{1,4})(?:\.0{1,9})?")
_SHORT = {"neg": "negative", "pos": "positive"}


def label_of(value: object, classes: int) -> int | None:
    """The label that `value` is, from 0 to classes - 1; none where it is no such number.

    A float that is whole counts (a column that once had a gap is of floats), a bool does not.
    """
    if isinstance(value, bool):
        return None
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return value if isinstance(value, int) and 0 <= value < classes else None


def number_in(text: str) -> int | str:
    """The whole number that a text of a delimited file is, such as `1` or `1.0`; else the text."""
    found = _WHOLE.fullmatch(text)
    return text if found is None else int(found[1])


def bad_label(value: object) -> str:
    """What is wrong with a label that is none."""
    is_missing = value is None or value == "" or (isinstance(value, float) and math.isnan(value))
    is_text = isinstance(value, str) and isinstance(number_in(value), int)
    return (
        f"the label is missing ({shown(value)})"
        if is_missing
        else f"label {shown(value)}{' is a text' * is_text}"
    )


def label_cure(names: Sequence[str]) -> str:
    meant = ", ".join(f"{number} ({name})" for number, name in enumerate(names))
    return f"Labels are whole numbers: {meant}. A split without labels (-1) cannot be used."


def numbers_of(named: Sequence[str], names: Sequence[str]) -> list[int | None]:
    """Which of `names` each of `named` is, in upper case, short or as LABEL_0, too; none for one that is unknown."""
    known: dict[str, int] = {}
    for number, name in enumerate(names):
        known |= {name: number, str(number): number, f"label_{number}": number}
    return [known.get(_SHORT.get(name.strip().lower(), name.strip().lower())) for name in named]


def renumbering(named: Sequence[str], names: Sequence[str], *, where: str) -> Mapping[int, int] | None:
    """From the numbers of a file that calls its labels `named` to those of `names`; none where they are the same.

    UserError where a name is not known.
    """
    if len(named) != len(names):
        raise UserError(
            f"its own metadata names {len(named)} labels ({shown_list(named)}), and here are {len(names)}",
            where=where,
            cure=f"Keep the rows of two of them, called {', '.join(names)}."
            if len(named) > len(names)
            else f"Call them {', '.join(names)}.",
        )
    found = numbers_of(named, names)
    if None in found or sorted(n for n in found if n is not None) != list(range(len(names))):
        raise UserError(
            f"its own metadata calls the labels {shown_list(named)}",
            where=where,
            cure=f"Call them {', '.join(names)}, or write the column as whole numbers without names.",
        )
    numbers = {own: number for own, number in enumerate(found) if number is not None}
    return None if all(own == number for own, number in numbers.items()) else numbers
