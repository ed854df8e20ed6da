"""A figure, and what it is held to."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    """what was measured; the figure; what is wanted. holds: none where nothing is asked of it."""

    what: str
    figure: str
    wanted: str
    holds: bool | None

    def cells(self) -> list[str]:
        return [self.what, self.figure, self.wanted, {True: "yes", False: "**no**", None: ""}[self.holds]]


def percent(share: float, digits: int = 1) -> str:
    return f"{100 * share:.{digits}f} %"


def at_most(what: str, share: float, most: float) -> Row:
    return Row(what, percent(share, 2), f"at most {percent(most)}", share <= most)


def at_least(what: str, share: float, least: float) -> Row:
    return Row(what, percent(share, 2), f"at least {percent(least)}", share >= least)


def near(what: str, share: float, wanted: float, within: float) -> Row:
    """Shares; within: of the figure as it is wanted, to one digit."""
    told = f"{percent(wanted)} ± {100 * within:g}"
    return Row(what, percent(share, 2), told, abs(share - wanted) <= within + 1e-12)


def between(what: str, share: float, low: float, high: float) -> Row:
    return Row(what, percent(share, 2), f"{100 * low:g} to {100 * high:g} %", low <= share <= high)
