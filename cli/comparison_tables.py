"""How a comparison looks in a terminal: a headline, a table, and what to do next; all the rest on request."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from cli.comparison_details import print_details
from cli.figures import heading, number, setting
from cli.tables import SHORT, fitted
from comparison.tables import half_width, p_equals, p_value
from comparison.windows import task_of
from host.markup import literal
from host.text import root_option
from scoring.tasks import task_named

if TYPE_CHECKING:
    from comparison.best import Best
    from comparison.results import Comparison, Looks, NoiseFloor, Pair, Selection, Side
    from scoring.task import Task

_FEW = 9  # runs beside the chosen one
_STYLES = {"better": "bold green", "worse": "bold yellow", "the same": "bold", "cannot tell": "bold"}


def print_comparison(console: Console, found: Comparison, root: Path) -> None:
    task = task_of(found)
    console.print(f"Compared: {literal(found.subject)}.", style="dim", highlight=False)
    if len(found.sides) == 2:
        _print_pair(console, found, found.pairs[0], task)
    else:
        console.print(_headline(found), highlight=False)
    console.print(_table(console, found, task))
    _print_around(console, found, task)
    if found.details is not None:
        print_details(console, found, found.details)
    _print_next(console, _next(found), root)


def _print_pair(console: Console, found: Comparison, pair: Pair, task: Task) -> None:
    console.print(f"[{_STYLES[pair.verdict]}]{literal(pair.sentence)}[/]", highlight=False)
    for line in _about(found, pair, task):
        console.print(f"  {line}", highlight=False)


def _about(found: Comparison, pair: Pair, task: Task) -> Iterator[str]:
    """What a verdict rests on, a line each."""
    unit = task.difference_unit
    if pair.flips is not None:
        flips = pair.flips
        other = f", {flips.other:,} from wrong to wrong" if flips.other else ""
        yield (
            f"Flips from {pair.a} to {pair.b}: {flips.lost:,} right to wrong, {flips.won:,} wrong to right{other} "
            f"({100 * flips.churn:.1f} % of the rows)."
        )
        yield (
            f"The probability of an answer moved by {flips.moved_mean:.3f} on average, by less than "
            f"{flips.moved_p95:.3f} on 95 % of the rows."
        )
    if pair.loss is not None:
        loss = pair.loss.difference
        yield (
            f"Log loss: {loss.value:+z.4f} nats a row (95 % interval {loss.low:+z.4f} to {loss.high:+z.4f}; "
            f"{p_equals(pair.loss.p)})."
        )
    if pair.p is not None:
        tests = {"rows": "McNemar, mid-p", "stories": "bootstrap over stories", "seeds": _seeds_test(pair)}
        yield f"{p_equals(pair.p)} ({tests[pair.unit]})."
    if pair.better_share is not None and pair.p is not None:
        yield f"A run of {pair.b} beats one of {pair.a} in {100 * pair.better_share:.0f} % of the cases."
    if pair.detectable is not None:
        least = f"{task.apart(pair.detectable)} {unit}"
        yield f"{_capital(_so_many(found, pair))} find a difference of {least} four times in five."
    if pair.needed is not None:
        yield f"About {pair.needed:,} {pair.unit}{' a side' if pair.unit == 'seeds' else ''} would tell."
    elif pair.verdict == "cannot tell" and pair.unit == "seeds" and pair.p is None:
        yield "How many it takes follows from how much seeds differ: train at least three of each recipe."


def _seeds_test(pair: Pair) -> str:
    return "t test, paired by seed" if pair.paired_by == "seeds" else "Welch's t test, unpaired"


def _so_many(found: Comparison, pair: Pair) -> str:
    if pair.unit != "seeds":
        return f"{found.rows:,} {pair.unit}"
    fewest = min(len(side.seeds) for side in found.sides if side.label in (pair.a, pair.b))
    return f"{fewest} seeds a side"


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _headline(found: Comparison) -> str:
    best, ties, others = literal(found.sides[0].label), len(found.tied) - 1, len(found.sides) - 1
    if found.selection is not None:
        told = f"{ties} of {others} others cannot be told from it on the official split"
        return f"[bold]{best} was chosen by the held-out slice; {told}[/] (5 %, Holm over all pairs)."
    if not ties:
        return f"[bold]{best} is best; nothing ties with it[/] (5 %, Holm over all pairs)."
    told = f"{ties} of {others} others {'ties' if ties == 1 else 'tie'} with it"
    return f"[bold]{best} is best; {told}[/]: not to be told from it (5 %, Holm over all pairs)."


def _detectable_line(found: Comparison, task: Task) -> str | None:
    """Of the pairs with the best: what so many rows or seeds would find."""
    best = found.sides[0].label
    least = [
        pair.detectable for pair in found.pairs if best in (pair.a, pair.b) and pair.detectable is not None
    ]
    if not least:
        return None
    low, high = task.apart(min(least)), task.apart(max(least))
    told = low if low == high else f"{low} to {high}"
    so_many = _so_many(found, next(pair for pair in found.pairs if best in (pair.a, pair.b)))
    return (
        f"{_capital(so_many)} find a difference of {told} {task.difference_unit} from it four times in five."
    )


def _table(console: Console, found: Comparison, task: Task) -> object:
    rows = [_row(found, side, task) for side in found.sides]
    settings = [heading(key) for key in reversed(list(found.sides[0].differs))]
    return fitted(
        console, rows, spare=[name for name in ("log loss", "held-out", *settings, "p") if name in rows[0]]
    )


def _row(found: Comparison, side: Side, task: Task) -> dict[str, str]:
    half, several = half_width(side), len(found.sides) > 2
    score = task.shown(side.score.value) + ("" if half is None else f" ± {task.apart(half)}")
    name = {"models": "model", "recipes": "recipe of"}[found.of]
    row = {name: literal(side.label), found.metric.replace("_", " "): score}
    if several:
        row |= {"tie": _tie(found, side)}
        row |= {"p": "" if side.p is None else p_value(side.p)}
    if found.of == "recipes" or len({one.seeds for one in found.sides}) > 1:
        row |= {"seed": " ".join(map(str, side.seeds))}
    row |= {heading(key): literal(setting(value)) for key, value in side.differs.items()}
    if any(one.held_out is not None for one in found.sides):
        row |= {"held-out": "" if side.held_out is None else task.shown(side.held_out)}
    return row | ({} if side.loss is None else {"log loss": number(side.loss, 4)})


def _tie(found: Comparison, side: Side) -> str:
    """Beside the first; one that the held-out slice did not choose may be better than the one that it did."""
    first = found.sides[0]
    if side is first:
        return "[bold]best[/]" if found.selection is None else "[bold]chosen[/]"
    better = (side.score.value > first.score.value) == found.greater_is_better
    return "tied" if side.tied else ("better" if better else "")


def _print_around(console: Console, found: Comparison, task: Task) -> None:
    several = _detectable_line(found, task) if len(found.sides) > 2 else None
    lines = [*([] if several is None else [several]), *found.notes]
    if found.selection is not None:
        lines.append(selection_line(found.selection, task))
    if found.noise is not None:
        lines.append(_noise_line(found.noise, task))
    if found.looks is not None:
        lines.append(_looks_line(found.looks))
    for line in lines:
        console.print(literal(line), highlight=False)


def selection_line(found: Selection, task: Task) -> str:
    """The bias of the score that chose, apart from the claim."""
    claim = task.shown(found.claim.value)
    if found.claim.low is not None and found.claim.high is not None:
        claim += f" (95 % interval {task.apart(found.claim.low)} to {task.apart(found.claim.high)})"
    return (
        f"Chosen as the best of {found.runs} by {found.rows:,} held-out {task.rows}: {task.shown(found.held_out)}"
        f"{task.unit} there looks {task.apart(found.bias)} {task.difference_unit} too good, since it was chosen for "
        f"that. The claim of {found.winner[:SHORT]} is its score on the official split: {claim}{task.unit}."
    )


def _noise_line(noise: NoiseFloor, task: Task) -> str:
    flips = "" if noise.flip_rate is None else f", and {100 * noise.flip_rate:.1f} % of the answers flip"
    interval = ""
    if noise.low is not None and noise.high is not None:
        interval = f", 95 % interval {task.apart(noise.low)} to {task.apart(noise.high)}"
    return (
        f"Noise floor: a new seed alone moves the score by {task.apart(noise.deviation)} {task.difference_unit} "
        f"(standard deviation of {noise.seeds} seeds{interval}){flips}."
    )


def _looks_line(looks: Looks) -> str:
    runs = "1 run" if looks.runs == 1 else f"{looks.runs:,} runs"
    return f"Looks: {runs} of {looks.experiment} were scored on the official split; the best of many is luck in part."


def _next(found: Comparison) -> Iterator[tuple[str, str]]:
    first, second = found.sides[0], found.sides[1]
    if found.of == "models":
        if len(found.sides) == 2 and found.details is None and found.pairs[0].flips is not None:
            yield (
                f"encore compare {first.label} {second.label} --all",
                "the rows they differ on, slices, calibration",
            )
        if first.runs != second.runs:
            one, other = first.runs[0][:SHORT], second.runs[0][:SHORT]
            if first.differs:
                yield (
                    f"encore compare {one} {other} --of recipes",
                    "whether the recipe is better, by all its seeds",
                )
            yield f"encore diff {one} {other}", "what differs between the two"
    for command in dict.fromkeys(pair.one_more for pair in found.pairs if pair.one_more is not None):
        yield command, "one seed more"
    yield f"encore reproduce {found.best.runs[0][:SHORT]}", "play the best again"


def _print_next(console: Console, commands: Iterator[tuple[str, str]], root: Path) -> None:
    console.print("Next:")
    for command, why in commands:
        told = f"  [bold]{literal(command + root_option(root))}[/]  [dim]# {why}[/]"
        console.print(told, highlight=False, soft_wrap=True)


def _print_nearest(console: Console, found: Comparison, task: Task) -> None:
    """The chosen one, what is better on the official split, what ties with it, and a few more."""
    ranked = sorted(
        found.sides[1:], key=lambda side: (["better", "tied", ""].index(_tie(found, side)), side.rank)
    )
    near = (found.sides[0], *ranked[:_FEW])
    console.print(_table(console, replace(found, sides=near), task))
    ties, worse = (sum(side.tied is tied for side in ranked[_FEW:]) for tied in (True, False))
    if ties or worse:
        told = f"Not shown: {ties} that cannot be told from it, {worse} that are worse; --json has them."
        console.print(told, style="dim", highlight=False)


def print_best(console: Console, found: Best, root: Path) -> None:
    task = task_named(found.task)
    tied = len(found.tied) - 1
    console.print(
        f"[bold]{found.run[:SHORT]} is the best of {found.runs:,} runs of {literal(found.experiment)} by the held-out "
        f"slice[/]: {task.shown(found.held_out)}{task.unit} there.",
        highlight=False,
    )
    console.print(literal(found.name), style="dim", highlight=False)
    if found.selection is not None:
        console.print(selection_line(found.selection, task), highlight=False)
    else:
        console.print(
            f"Its score on the official split: {task.shown(found.claim.value)}{task.unit}.", highlight=False
        )
    if found.comparison is not None:
        others = len(found.comparison.sides) - 1
        console.print(
            f"{tied} of {others} others cannot be told from it on the official split.", highlight=False
        )
        _print_nearest(console, found.comparison, task)
    for note in found.notes:
        console.print(literal(note), highlight=False)
    if found.noise is not None:
        console.print(_noise_line(found.noise, task), highlight=False)
    console.print(literal(_looks_line(found.looks)), highlight=False)
    _print_next(console, iter([(found.command, "play it again")]), root)
