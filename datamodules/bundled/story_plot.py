"""What a plot of the bundled stories is: beats from a wish, through a problem, to a way out.

A beat lists ways to tell it. Slots are the characters (`{hero}`, `{He}`, `{he}`, `{his}`, `{him}`,
`{friend}`, `{elder}`), the `{day}`, and the plot's own words: one of its `casts`, whose words fit together.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Plot:
    casts: tuple[Mapping[str, str], ...]
    middle: tuple[tuple[str, ...], ...]
    ending: tuple[tuple[str, ...], ...]


def casts(slots: str, *rows: str) -> tuple[Mapping[str, str], ...]:
    """Rows of a table: slot names and words, both split at `|`."""
    names = slots.split("|")
    return tuple(dict(zip(names, row.split("|"), strict=True)) for row in rows)
