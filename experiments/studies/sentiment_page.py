"""The page and the picture of the study of sentiment, from its findings alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from pages.figures import SERIES
from pages.pictures import light, picture
from pages.rendering import page
from pages.sections import Fact, Section
from pages.tables import Column, Row, Table, table

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_MOST = 1_000  # texts of the table
_BINS = 30


def sentiment_page(found: Mapping[str, Any]) -> str:
    """How many texts have which label, and each with its probability, the least sure first."""
    answers = found["answers"]
    counts = {label: sum(answer["label"] == label for answer in answers) for label in found["labels"]}
    facts = [
        Fact(label, f"{count:,}", f"{100 * count / len(answers):.1f} % of the texts", large=True)
        for label, count in counts.items()
    ]
    cut = sum(answer["cut"] for answer in answers)
    notes = (f"{cut:,} texts are longer than the model reads and were cut.",) if cut else ()
    section = Section(
        "answers",
        "Answers",
        facts=tuple(facts),
        notes=notes,
        tables=(_answer_table(answers),),
        across=True,
    )
    lead = f"{len(answers):,} {'text' if len(answers) == 1 else 'texts'}, each labelled alone."
    return page(
        "Sentiment",
        [section],
        kicker="Study of sentiment",
        lead=lead,
        foot="Made by encore study sentiment; encore reproduce with the ID of its run makes it again, to the byte.",
    )


def _answer_table(answers: Sequence[Mapping[str, Any]]) -> Table:
    columns = [
        Column("text", "prose"),
        Column("label"),
        Column("probability", "number"),
        Column("margin", "number", "of its logit over the next one's"),
        Column("tokens", "number"),
    ]
    shown = sorted(answers, key=lambda answer: answer["margin"])[:_MOST]
    rows = [
        Row(
            (
                answer["text"],
                answer["label"],
                f"{answer['probability']:.4f}",
                f"{answer['margin']:.3f}",
                f"{answer['tokens']:,}",
            ),
            "cut" if answer["cut"] else "",
        )
        for answer in shown
    ]
    caption = "The least sure first" + (f"; {_MOST:,} of {len(answers):,}" if len(answers) > _MOST else "")
    return table("texts", caption, columns, rows)


def margins_picture(found: Mapping[str, Any]) -> bytes:
    """How sure the classifier is of the texts of each label, as a histogram in PNG."""
    return picture([lambda axes: _draw(axes, found, light)], "png", legend=lambda: _legend(found, light))


def _margins(found: Mapping[str, Any]) -> list[list[float]]:
    return [
        [answer["margin"] for answer in found["answers"] if answer["label"] == label]
        for label in found["labels"]
    ]


def _draw(axes: Axes, found: Mapping[str, Any], painted: Callable[[str], str]) -> None:
    colours = [painted(SERIES[number % len(SERIES)]) for number in range(len(found["labels"]))]
    axes.hist(_margins(found), bins=_BINS, stacked=True, color=colours)
    axes.set_xlabel("margin of the label's logit")
    axes.set_ylabel("texts")


def _legend(found: Mapping[str, Any], painted: Callable[[str], str]) -> list[Any]:
    from matplotlib.patches import Patch

    return [
        Patch(color=painted(SERIES[number % len(SERIES)]), label=label)
        for number, label in enumerate(found["labels"])
    ]
