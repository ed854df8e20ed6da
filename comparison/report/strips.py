"""One picture per varied setting: what its values scored; and how much of the variation each setting explains."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from comparison.report.question import space_of
from comparison.report.values import as_number, setting
from pages.figures import BLUE, NARROW, QUIET, VERMILION, Figure, drawn, logarithmic_x
from pages.sections import Section
from pages.tables import Column, Row, table
from pages.texts import label
from runs.trials import PRUNED, ended_as, selection_score

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from comparison.report.subject import Subject
    from tracking.entities import RunRecord

_MOST_AXES = 9
_LOGARITHMIC = 20  # how many times the least value the greatest is, from which a logarithmic scale shows more
_IMPORTANCE = "importance/"


def settings_section(subject: Subject) -> Section | None:
    """Nothing where no setting was varied."""
    figures = [figure for figure in (_strips(subject), _importance(subject)) if figure is not None]
    if not figures:
        return None
    return Section("settings", "What the settings did", figures=tuple(figures))


def _strips(subject: Subject) -> Figure | None:
    axes = subject.axes[:_MOST_AXES]
    if not axes or not subject.scored:
        return None
    metric = subject.task.metric.replace("_", " ")
    pictures = [
        drawn(
            lambda panel, key=key: _strip(panel, subject, key),
            name=f"strip-{number}",
            label=f"Held-out {metric} by {key}; the numbers stand in the table below.",
        )
        for number, key in enumerate(axes)
    ]
    caption = (
        f"Held-out {metric} by the value of each varied setting, a mark for each run: the star is the winner, circles "
        "are finished runs, crosses pruned ones, at the score they were pruned with."
    )
    rows = [
        Row(
            (
                subject.name_of(run),
                *(setting(run.params.get(key, "")) for key in axes),
                subject.task.shown(_score(subject, run)),
            ),
            "winner" if subject.is_winner(run) else "",
        )
        for run in subject.scored
    ]
    columns = [Column("run"), *(Column(key) for key in axes), Column(f"held-out {metric}", "number")]
    return Figure(
        "strips",
        "Each setting by itself",
        caption,
        tuple(pictures),
        table("strip-points", "The same marks", columns, rows),
    )


def _score(subject: Subject, run: RunRecord) -> float:
    score = selection_score(run, subject.task)
    assert score is not None, "only scored runs are drawn"
    return score


def _strip(axes: Axes, subject: Subject, key: str) -> None:
    values = [run.params.get(key, "") for run in subject.scored]
    numbers = {value: number for value in values if (number := as_number(value)) is not None}
    is_scale = len(numbers) == len({*values}) > 2
    place = numbers if is_scale else _side_by_side(values, axes)
    for run in reversed(subject.scored):
        _mark(axes, subject, run, place[run.params.get(key, "")])
    axes.set_xlabel(label(key))
    axes.margins(x=0.12, y=0.12)
    if is_scale and _is_logarithmic(subject, key):
        logarithmic_x(axes)


def _mark(axes: Axes, subject: Subject, run: RunRecord, x: float) -> None:
    y = _score(subject, run)
    if subject.is_winner(run):
        axes.plot(x, y, color=VERMILION, marker="*", markersize=12)
    elif ended_as(run) == PRUNED:
        axes.plot(x, y, color=QUIET, marker="x", markersize=5)
    else:
        axes.plot(x, y, color=BLUE, marker="o", markersize=5, alpha=0.8, markeredgewidth=0)


def _side_by_side(values: Sequence[str], axes: Axes) -> Mapping[str, float]:
    """Where each value stands: words, and numbers too few for a scale, in their order."""
    order = sorted({*values}, key=lambda value: (as_number(value) or 0.0, value))
    axes.set_xticks(range(len(order)), [label(setting(value), 14) for value in order])
    axes.set_xlim(-0.6, len(order) - 0.4)
    return {value: float(place) for place, value in enumerate(order)}


def _is_logarithmic(subject: Subject, key: str) -> bool:
    """As the sweep drew it; of runs of no sweep, whether the values lie far apart."""
    if key in (space := space_of(subject)):
        return bool(space[key].get("log"))
    numbers = [as_number(run.params.get(key, "")) or 0.0 for run in subject.scored]
    return min(numbers) > 0 and max(numbers) / min(numbers) >= _LOGARITHMIC


def _importance(subject: Subject) -> Figure | None:
    metrics = {} if subject.parent is None else subject.parent.metrics
    shares = {
        key.removeprefix(_IMPORTANCE): value for key, value in metrics.items() if key.startswith(_IMPORTANCE)
    }
    if not shares:
        return None
    order = sorted(shares.items(), key=lambda item: item[1])
    picture = drawn(
        lambda axes: _bars(axes, order),
        name="importance-bars",
        label="Importance of each varied setting; the numbers stand in the table below.",
        inches=(NARROW[0] * 1.2, 0.7 + 0.3 * len(order)),
    )
    rows = [(key, f"{100 * value:.0f} %") for key, value in reversed(order)]
    caption = (
        "Share of the variance of the held-out score that each setting explains over the finished trials (functional "
        "ANOVA, Hutter et al. 2014). With few trials it is a hint, no finding."
    )
    columns = [Column("setting"), Column("share", "number")]
    return Figure(
        "importance",
        "What mattered",
        caption,
        (picture,),
        table("importances", "The same shares", columns, rows),
    )


def _bars(axes: Axes, order: Sequence[tuple[str, float]]) -> None:
    axes.barh(
        [label(key, 30) for key, _ in order], [100 * value for _, value in order], color=BLUE, height=0.6
    )
    axes.set_xlabel("% of the variance")
    axes.set_xlim(0, 100)
    axes.grid(visible=False, axis="y")
