"""What the exports cost and give: size and latency against the score, of every form of every run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from comparison.report.values import figure
from export.variants import VARIANTS, Variant
from pages.figures import MARKERS, SERIES, Figure, drawn, logarithmic_x
from pages.sections import Section
from pages.tables import Column, Row, Table, table
from runs.layout import EXPORT_GATE, PASSED

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from comparison.report.subject import Subject
    from tracking.entities import RunRecord

_LOSS = "loss"  # what every task's export has, where it has not the task's own metric
_SIZE, _LATENCY = "size_mib", "latency_b1_p50_ms"
_SHOWN = {_SIZE: "size, MiB", _LATENCY: "latency, ms (median, batch 1)"}


@dataclass(frozen=True)
class _Exported:
    """One form of one run's model, with its figures by their short names."""

    run: RunRecord
    variant: Variant
    figures: Mapping[str, float]


def exports_section(subject: Subject) -> Section | None:
    """Nothing where no run was exported."""
    exported = [_exported(run, variant) for run in subject.runs for variant in VARIANTS]
    score = subject.task.metric if any(subject.task.metric in item.figures for item in exported) else _LOSS
    shown = [item for item in exported if score in item.figures]
    if not shown:
        return None
    name = score.replace("_", " ")
    pictures = [
        drawn(
            lambda axes, key=key: _draw(axes, subject, shown, key, score),
            name=f"front-{number}",
            label=f"{name} by {_SHOWN[key]} of {len(shown)} exported models; the numbers stand in the table below.",
        )
        for number, key in enumerate(_SHOWN)
        if any(key in item.figures for item in shown)
    ]
    caption = (
        f"{name.capitalize()} on the official split against size and latency, a mark for each form of each run; the "
        "winner's are filled. Latency is of one text at a time, on the machine of the export."
    )
    rows = [_row(subject, item, score) for item in shown]
    drawing = Figure("front", "Score against size and latency", caption, tuple(pictures), _table(name, rows))
    return Section("exports", "What the exports cost", figures=(drawing,), notes=_gates(subject))


def _exported(run: RunRecord, variant: Variant) -> _Exported:
    prefix = f"export/{variant.name}/"
    found = {key.removeprefix(prefix): value for key, value in run.metrics.items() if key.startswith(prefix)}
    return _Exported(run, variant, found)


def _draw(axes: Axes, subject: Subject, shown: list[_Exported], key: str, score: str) -> None:
    present = {item.variant.name for item in shown}
    for number, variant in enumerate(VARIANTS):
        if variant.name not in present:
            continue
        axes.plot([], [], linestyle="", marker=MARKERS[number], color=SERIES[number], label=variant.label)
        some = [item for item in shown if item.variant is variant and key in item.figures]
        for winner in (False, True):
            points = [item for item in some if subject.is_winner(item.run) == winner]
            axes.plot(
                [item.figures[key] for item in points],
                [item.figures[score] for item in points],
                linestyle="",
                marker=MARKERS[number],
                markersize=7 if winner else 5,
                markeredgecolor=SERIES[number],
                markerfacecolor=SERIES[number] if winner else "none",
            )
    logarithmic_x(axes)
    axes.set_xlabel(_SHOWN[key])
    axes.set_ylabel(score.replace("_", " "))
    axes.margins(0.15)
    axes.legend()


def _row(subject: Subject, item: _Exported, score: str) -> Row:
    cells = (
        subject.name_of(item.run),
        item.variant.label,
        _score(subject, item, score),
        figure(item.figures.get(_SIZE)),
        figure(item.figures.get(_LATENCY)),
        figure(item.figures.get("latency_b1_p95_ms")),
        figure(item.figures.get("changed_answers"), ",.0f"),
    )
    return Row(cells, "winner" if subject.is_winner(item.run) else "")


def _score(subject: Subject, item: _Exported, score: str) -> str:
    value = item.figures[score]
    return subject.task.shown(value) if score == subject.task.metric else f"{value:.4f}"


def _table(score: str, rows: list[Row]) -> Table:
    columns = [
        Column("run"),
        Column("form"),
        Column(score, "number"),
        Column("size", "number", "MiB"),
        Column("median", "number", "ms"),
        Column("95th percentile", "number", "ms"),
        Column("changed answers", "number"),
    ]
    return table("exported", "Every form of every exported run", columns, rows)


def _gates(subject: Subject) -> tuple[str, ...]:
    """What the exports missed, by run."""
    tags = [(subject.name_of(run), run.tags.get(EXPORT_GATE, PASSED)) for run in subject.runs]
    return tuple(f"{name}: {tag}" for name, tag in tags if tag != PASSED)
