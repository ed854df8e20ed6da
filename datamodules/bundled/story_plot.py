"""What a plot of the bundled stories is: beats from a wish, through a problem, to a way out.

A beat lists ways to tell it. Slots are the characters (`{hero}`, `{He}`, `{he}`, `{His}`, `{his}`, `{him}`,
`{friend}`, `{elder}`), the `{day}`, and the plot's own words: a row of each of its tables, whose words fit together.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Plot:
    tables: tuple[Sequence[Mapping[str, str]], ...]
    middle: tuple[tuple[str, ...], ...]
    ending: tuple[tuple[str, ...], ...]


def words(slots: str, *rows: str) -> tuple[Mapping[str, str], ...]:
    """Rows of a table: slot names and words, both split at `|`."""
    names = slots.split("|")
    return tuple(dict(zip(names, row.split("|"), strict=True)) for row in rows)
