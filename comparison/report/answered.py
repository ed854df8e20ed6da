"""What the best models answered to single rows, and whether their confidence can be trusted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pages.figures import BLUE, GRID, QUIET, Figure, drawn
from pages.sections import Section
from pages.tables import Column, Row, Table, table
from pages.texts import SHORT, readable

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from comparison.report.subject import Subject
    from comparison.results import Calibration, Details

_POINTS = 20  # rows of the table of a curve
_TEXT = 600  # characters of an example


def reliability_section(subject: Subject) -> Section | None:
    """The winner's. Nothing for a language model."""
    found = subject.evidence.calibration
    if found is None:
        return None
    picture = drawn(
        lambda axes: _curve(axes, found),
        name="reliability-curve",
        label="Share of right answers by confidence; the numbers stand in the table below.",
        inches=(4.2, 3.6),
    )
    caption = (
        "The share of right answers at each confidence, by isotonic regression (CORP, Dimitriadis, Gneiting & Jordan "
        "2021). The diagonal is perfect calibration; the band holds 90 of 100 curves of a perfectly calibrated model "
        "on these rows."
    )
    figure = Figure("reliability", "Confidence against being right", caption, (picture,), _points(found))
    return Section(
        "trust", "Whether its confidence can be trusted", paragraphs=(_told(found),), figures=(figure,)
    )


def _told(found: Calibration) -> str:
    off, ece = found.miscalibration, found.ece
    verdict = (
        "more than chance: its confidence is not the share of its answers that are right"
        if off.p < 0.05
        else "no more than chance would show for a perfectly calibrated model"
    )
    return (
        f"The winner's miscalibration is {off.value:.4f}, {verdict} (p {off.p:.3f}). Its expected "
        f"calibration error is {100 * ece.value:.1f} points; a perfectly calibrated model shows "
        f"{100 * ece.null_low:.1f} to {100 * ece.null_high:.1f} on these rows."
    )


def _curve(axes: Axes, found: Calibration) -> None:
    at = [point.confidence for point in found.curve]
    axes.plot([at[0], 1], [at[0], 1], color=QUIET, linestyle=(0, (4, 2)), linewidth=1)
    axes.fill_between(
        at,
        [point.low for point in found.curve],
        [point.high for point in found.curve],
        color=GRID,
        linewidth=0,
    )
    axes.plot(at, [point.share for point in found.curve], color=BLUE, linewidth=2)
    axes.set_xlabel("confidence of the answer")
    axes.set_ylabel("share that is right")


def _points(found: Calibration) -> Table:
    stride = max(1, len(found.curve) // _POINTS)
    rows = [
        (f"{point.confidence:.3f}", f"{point.share:.3f}", f"{point.low:.3f} to {point.high:.3f}")
        for point in found.curve[::stride]
    ]
    columns = [
        Column("confidence", "number"),
        Column("share right", "number"),
        Column("if calibrated", "number", "90 %"),
    ]
    return table("reliability-points", "Points of the curve", columns, rows)


def hardest_examples(subject: Subject) -> Section | None:
    """Rows that most of the best models answer wrong. Nothing for a language model, whose answers keep no texts."""
    details, count = subject.evidence.details, subject.evidence.detailed
    if details is None or not details.hardest:
        return None
    told = (
        f"Rows of the official split that most of the {count} best models (the winner and the next by the held-out "
        "score) answer wrong, the surest mistakes first. A wrong label is found here, too."
    )
    return Section(
        "hardest", "The hardest examples", paragraphs=(told,), tables=(_examples(subject, details),)
    )


def _examples(subject: Subject, details: Details) -> Table:
    names = {run_id[:SHORT]: name for run_id, name in subject.names.items()}
    sides = [names.get(one.side, one.side) for one in details.calibration]
    columns = [
        Column("text", "prose"),
        Column("label"),
        *(Column(side, "text", "answer, p of the label") for side in sides),
    ]
    rows = [
        Row(
            (
                readable(example.text, _TEXT),
                details.label_names[example.label],
                *(
                    f"{details.label_names[answer]} ({probability:.2f})"
                    for answer, probability in zip(example.answers, example.probabilities, strict=True)
                ),
            )
        )
        for example in details.hardest
    ]
    return table("hardest-rows", "What the best models answered", columns, rows)
