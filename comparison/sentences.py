"""What was found, in sentences with their subject."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from scoring.verdict import Judgement, Verdict

if TYPE_CHECKING:
    from scoring.task import Task


def verdict_sentence(found: Judgement, a: str, b: str, task: Task, on: str) -> str:
    """`B is better than A on these 872 rows by 1.26 points (95 % interval 0.31 to 2.13).`

    on: what it holds for, such as `on these 872 rows`.
    """
    match found.verdict:
        case Verdict.BETTER | Verdict.WORSE as verdict:
            size = f"{task.apart(abs(found.difference))} {task.difference_unit}"
            return f"{b} is {verdict} than {a} {on} by {size}{_interval_of_size(found, task)}."
        case Verdict.SAME:
            within = margin_told(found.margin, task)
            return f"{b} is the same as {a} within {within} {on} ({difference_told(found, task)})."
        case Verdict.CANNOT_TELL:
            return f"{b} and {a} cannot be told apart {on} ({difference_told(found, task)})."


def margin_told(margin: float, task: Task) -> str:
    """`1 point`, `0.5 points`."""
    number = task.apart(margin).rstrip("0").rstrip(".")
    return (
        f"1 {task.difference_unit.removesuffix('s')}" if number == "1" else f"{number} {task.difference_unit}"
    )


def _interval_of_size(found: Judgement, task: Task) -> str:
    if found.low is None or found.high is None:
        return ""
    sign = 1 if found.difference > 0 else -1
    low, high = sorted((sign * found.low, sign * found.high))
    return f" (95 % interval {task.apart(low)} to {task.apart(high)})"


def difference_told(found: Judgement, task: Task) -> str:
    """`difference +0.34 points, 95 % interval -0.80 to 1.49`, B minus A."""
    value = f"difference {signed(found.difference, task)} {task.difference_unit}"
    if found.low is None or found.high is None:
        return value
    return f"{value}, 95 % interval {task.apart(found.low)} to {task.apart(found.high)}"


def signed(difference: float, task: Task) -> str:
    return ("+" if difference >= 0 else "") + task.apart(difference)


def seeds_sentence(
    found: Judgement, a: str, b: str, task: Task, counts: tuple[int, int], *, paired: bool
) -> str:
    """Of recipes, which are named by one of their runs. counts: seeds of each side."""
    one, other = f"the recipe of {a}", f"the recipe of {b}"
    if min(counts) < 2:
        return (
            f"{_capital(other)} and {one} cannot be told apart by one seed {'a' if max(counts) < 2 else 'on one'} side "
            f"({difference_told(found, task)}): it takes two on each to know how much seeds differ."
        )
    seeds = f"{counts[0]} pairs of seeds" if paired else f"{counts[1]} and {counts[0]} seeds"
    return _capital(verdict_sentence(found, one, other, task, f"over {seeds}"))


def rows_told(copies: int, left_out: Iterable[tuple[str, int]]) -> Iterator[str]:
    """What is to be known of the rows that were matched. left_out: of each side, by its name."""
    if copies:
        yield f"{copies:,} of the rows are copies of another one, and each counts."
    for side, rows in left_out:
        if rows:
            yield f"{side} answered {rows:,} more rows, which not all of them have: those are left out."


def _capital(sentence: str) -> str:
    return sentence[:1].upper() + sentence[1:]
