"""How sure the winner is: each other finished run held against it, the noise of seeds, and who looked."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from comparison.report.values import NONE
from comparison.results import Pair
from pages.figures import BLUE, QUIET, VERMILION, Figure, drawn_wide
from pages.sections import Section
from pages.tables import Column, Row, Table, table
from scoring.verdict import Verdict

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from comparison.report.subject import Subject
    from comparison.results import Comparison, Side

_DRAWN = 30  # runs of the figure; the table has all
_NAMED = 8  # runs in a sentence


def how_sure(subject: Subject) -> Section:
    """The verdict, in sentences; then each run against the winner."""
    figures = () if subject.evidence.comparison is None else (_figure(subject, subject.evidence.comparison),)
    return Section(
        "sure",
        "How sure that is",
        paragraphs=tuple(_told(subject)),
        notes=subject.evidence.unread,
        figures=figures,
    )


def _told(subject: Subject) -> Iterator[str]:
    if subject.evidence.comparison is not None:
        yield from _tied(subject, subject.evidence.comparison)
        yield from subject.evidence.comparison.notes
        yield from _selected(subject, subject.evidence.comparison)
    else:
        yield "No other finished run answered the same rows, so nothing can be said of how sure that is."
    yield _noise(subject)
    looks = subject.evidence.looks.runs
    yield (
        f"The official split of this experiment was looked at by {looks} run{'' if looks == 1 else 's'}: the more "
        "look, the better the best of them looks by chance."
    )


def _tied(subject: Subject, found: Comparison) -> Iterator[str]:
    """Which runs cannot be told from the winner, and which are better on the rows that chose nothing."""
    others = [side for side in found.sides if side.rank > 1]
    tied = [side for side in others if side.tied]
    better = {pair.b for pair in found.pairs if pair.verdict == Verdict.BETTER.value}
    above = [side for side in others if side.label in better]
    count = f"{len(others)} other finished run{'' if len(others) == 1 else 's'}"
    on = f"On the same {found.rows:,} {subject.task.rows} of the official split"
    if tied:
        yield (
            f"{on}, {len(tied)} of the {count} cannot be told from the winner (5 %, corrected by Holm for all pairs): "
            f"{_names(subject, tied)}. Any of them may be the best."
        )
    elif not above:
        each = f"each of the {count}" if len(others) > 1 else "the other finished run"
        yield f"{on}, the winner is told from {each} (5 %, corrected by Holm for all pairs)."
    if above:
        yield f"{on}, {_names(subject, above)} scored better than the winner, by more than chance."


def _names(subject: Subject, sides: Sequence[Side]) -> str:
    named = [_name(subject, side) for side in sides[:_NAMED]]
    return ", ".join(named) + (f" and {len(sides) - _NAMED} more" if len(sides) > _NAMED else "")


def _name(subject: Subject, side: Side) -> str:
    return subject.names.get(side.runs[0], side.label)


def _selected(subject: Subject, found: Comparison) -> Iterator[str]:
    chosen, task = found.selection, subject.task
    if chosen is None or chosen.runs < 2:
        return
    yield (
        f"The winner was chosen as the best of {chosen.runs} on {chosen.rows:,} held-out {task.rows}, and there looks "
        f"about {task.apart(chosen.bias)} {task.difference_unit} too good for it. Its claim is the score of the "
        f"official split, which chose nothing."
    )


def _noise(subject: Subject) -> str:
    floor, task = subject.evidence.noise, subject.task
    if floor is None:
        return (
            "How much a new seed alone moves the score is not known here: nobody has compared seeds of one recipe of "
            "this experiment. All of the above is of these models, not of their recipes."
        )
    interval = (
        ""
        if floor.low is None or floor.high is None
        else (f" (95 % interval {task.apart(floor.low)} to {task.apart(floor.high)})")
    )
    flips = "" if floor.flip_rate is None else f", and changes {100 * floor.flip_rate:.1f} % of the answers"
    return (
        f"A new seed alone moves the score by a standard deviation of {task.apart(floor.deviation)} "
        f"{task.difference_unit}{interval}{flips}: measured on {floor.seeds} seeds. All of the above is of these "
        "models, not of their recipes."
    )


def _figure(subject: Subject, found: Comparison) -> Figure:
    pairs = _against_the_winner(found)
    unit = subject.task.difference_unit
    wide, narrow = drawn_wide(
        lambda axes: _draw(axes, subject, found, pairs[:_DRAWN]),
        name="differences-drawn",
        label=f"Difference of each run from the winner in {unit}; the numbers stand in the table below.",
        height=0.8 + 0.22 * min(len(pairs), _DRAWN),
    )
    caption = (
        f"Official split, run minus winner, in {unit}, with the 95 % interval of each pair by itself. Circles on grey "
        "lines cannot be told from the winner once all pairs are corrected for (Holm); squares differ."
    )
    return Figure(
        "against",
        "Each run against the winner",
        caption,
        (wide,),
        _table(subject, found, pairs),
        (narrow,),
    )


def _against_the_winner(found: Comparison) -> list[Pair]:
    """The pairs with the winner, as they rank, the winner always as a."""
    label = found.best.label
    pairs = {pair.b: pair for pair in found.pairs if pair.a == label}
    return [pairs[side.label] for side in found.sides if side.label in pairs]


def _draw(axes: Axes, subject: Subject, found: Comparison, pairs: list[Pair]) -> None:
    tied = {side.label for side in found.tied}
    axes.axvline(0, color=VERMILION, linewidth=1.2)
    for place, pair in enumerate(pairs):
        told = pair.b not in tied
        low, high = pair.difference.low, pair.difference.high
        if low is not None and high is not None:
            axes.plot(
                [_scaled(subject, low), _scaled(subject, high)], [place, place], color=BLUE if told else QUIET
            )
        marker = "s" if told else "o"
        axes.plot(
            _scaled(subject, pair.difference.value),
            place,
            marker=marker,
            color=BLUE if told else QUIET,
            markersize=5,
        )
    sides = {side.label: side for side in found.sides}
    axes.set_yticks(range(len(pairs)), [_name(subject, sides[pair.b]) for pair in pairs])
    axes.set_ylim(len(pairs) - 0.4, -0.6)
    axes.set_xlabel(f"run minus winner, {subject.task.difference_unit}")
    axes.grid(visible=False, axis="y")


def _scaled(subject: Subject, difference: float) -> float:
    """In the unit of the task's differences."""
    return float(subject.task.apart(difference))


def _table(subject: Subject, found: Comparison, pairs: list[Pair]) -> Table:
    sides = {side.label: side for side in found.sides}
    rows = [_row(subject, pair, sides[pair.b]) for pair in pairs]
    winner = found.best
    head = Row(
        (_name(subject, winner), _score(subject, winner), NONE, NONE, NONE, NONE, "the winner"),
        "winner",
    )
    columns = [
        Column("run"),
        Column("official split", "number", "95 % interval"),
        Column("difference", "number", subject.task.difference_unit),
        Column("95 % interval", "number"),
        Column("p", "number", "after Holm"),
        Column("detectable", "number", subject.task.difference_unit),
        Column("verdict"),
    ]
    caption = (
        "p: that a difference so large is chance. Detectable: the least true difference that so many "
        f"{subject.task.rows} find four times in five."
    )
    return table("against-winner", caption, columns, [head, *rows])


def _row(subject: Subject, pair: Pair, side: Side) -> Row:
    task, difference = subject.task, pair.difference
    interval = (
        NONE
        if difference.low is None or difference.high is None
        else (f"{task.apart(difference.low)} to {task.apart(difference.high)}")
    )
    return Row(
        (
            _name(subject, side),
            _score(subject, side),
            task.apart(difference.value),
            interval,
            NONE if pair.p_holm is None else _probability(pair.p_holm),
            NONE if pair.detectable is None else task.apart(pair.detectable),
            "tied" if side.tied and pair.verdict != Verdict.SAME.value else pair.verdict,
        )
    )


def _score(subject: Subject, side: Side) -> str:
    score, task = side.score, subject.task
    if score.low is None or score.high is None:
        return task.shown(score.value)
    return f"{task.shown(score.value)} ({task.shown(score.low)} to {task.shown(score.high)})"


def _probability(p: float) -> str:
    return f"{p:.3f}" if p >= 0.001 else "< 0.001"
