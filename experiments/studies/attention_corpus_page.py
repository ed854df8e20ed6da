"""The page and the picture of a model's attention over a corpus, from its findings alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from pages.figures import BLUE, MARKERS, SERIES, Figure, drawn_wide
from pages.pictures import light, picture
from pages.rendering import page
from pages.sections import Fact, Section
from pages.tables import Column, Row, Table, table

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_FOOT = "Made by encore study attention; encore reproduce with the ID of its run makes it again, to the byte."
_SURE = 0.05
_WORDS_OF = (
    "By how much the answer's probability falls without the words that a method calls important (comprehensiveness,"
    " more is better) and with these alone (sufficiency, less is better): the mean over the top 1, 5, 10, 20 and 50 %"
    " of a text's words (DeYoung et al. 2020, who count no word at all as a sixth). In brackets 95 % intervals, by"
    " drawing the texts again."
)
_WINDOWS_OF = (
    "Each token sees those at most so many tokens away, in every layer; with the first token for all, it also sees the"
    " first one, which sees everything. Nothing is trained anew: the model learned with all of its attention."
)


def corpus_page(found: Mapping[str, Any], name: str) -> str:
    """name: of the corpus and its split."""
    whole = found["whole"]
    facts = (
        Fact(
            found["metric"],
            _score(found, whole["score"]),
            _between(found, whole["low"], whole["high"]),
            large=True,
        ),
        Fact("texts", f"{found['texts']:,}", f"{found['cut']:,} of them cut", large=True),
        Fact("layers x heads", f"{found['layers']} x {found['heads']}", large=True),
    )
    near = found["gradients"]
    note = (
        f"Integrated gradients begin at a text of {near['baseline']}; for"
        f" {100 * near['within_2_percent']:.1f} % of the texts they sum up to within 2 % of the difference."
    )
    sections = [
        Section(
            "faithfulness",
            "Whose important words the answer rests on",
            paragraphs=(_WORDS_OF,),
            facts=facts,
            notes=(note,),
            figures=(_faithfulness_figure(found),),
        ),
        Section(
            "windows", "Attention limited to windows", paragraphs=(_WINDOWS_OF,), tables=(_windows(found),)
        ),
        Section("heads-off", "Each head off, by itself", tables=(_heads_off(found),), across=True),
    ]
    lead = f"{found['sentences']:,} texts with words removed; {found['texts']:,} scored with less attention."
    return page(f"Attention over {name}", sections, kicker="Study of attention", lead=lead, foot=_FOOT)


def _score(found: Mapping[str, Any], value: float) -> str:
    return f"{100 * value:.2f} %" if found["metric"] == _SHARE else f"{value:.4f}"


def _between(found: Mapping[str, Any], low: float, high: float) -> str:
    return f"{_score(found, low)} to {_score(found, high)}"


_SHARE = "accuracy"
_MEASURES = ("comprehensiveness", "sufficiency")


def _faithfulness_figure(found: Mapping[str, Any]) -> Figure:
    wide, narrow = drawn_wide(
        lambda axes: _draw(axes, found, str, legend=True),
        name="faithful-methods",
        label="Comprehensiveness and sufficiency of each method, with 95 % intervals",
    )
    return Figure(
        "faithful-methods-figure",
        "Comprehensiveness and sufficiency",
        "A faithful method stands far to the right with the one and far to the left with the other.",
        (wide,),
        faithfulness_table(found),
        narrow=(narrow,),
    )


def faithfulness_table(found: Mapping[str, Any]) -> Table:
    """A row for each method."""
    columns = [Column("method")]
    for measure in _MEASURES:
        columns += [Column(measure, "number"), Column("p", "number", "against random, Holm")]
    rows = [
        (
            row["method"],
            *(
                cell
                for measure in _MEASURES
                for cell in (_interval(row[measure]), _p(row[measure]["p_against_random"]))
            ),
        )
        for row in found["faithfulness"]
    ]
    return table("faithfulness-numbers", "Means over texts, with 95 % intervals", columns, rows)


def _interval(told: Mapping[str, float]) -> str:
    return f"{told['mean']:.3f} ({told['low']:.3f} to {told['high']:.3f})"


def _p(value: float | None) -> str:
    return "" if value is None else "< 0.001" if value < 0.001 else f"{value:.3f}"


def _draw(
    axes: Axes, found: Mapping[str, Any], painted: Callable[[str], str], *, legend: bool = False
) -> None:
    methods = [row["method"] for row in found["faithfulness"]][::-1]
    rows = {row["method"]: row for row in found["faithfulness"]}
    for number, measure in enumerate(_MEASURES):
        told = [rows[method][measure] for method in methods]
        means = [one["mean"] for one in told]
        reach = [[one["mean"] - one["low"] for one in told], [one["high"] - one["mean"] for one in told]]
        at = [place + 0.12 - 0.24 * number for place in range(len(methods))]
        axes.errorbar(
            means,
            at,
            xerr=reach,
            fmt=MARKERS[number],
            color=painted(SERIES[number]),
            markersize=4,
            linestyle="none",
            label=measure,
        )
    axes.axvline(0, color=painted(BLUE), linewidth=0.6)
    axes.set_yticks(range(len(methods)), methods)
    axes.set_xlabel("fall of the answer's probability")
    if legend:
        axes.legend()


def faithfulness_picture(found: Mapping[str, Any]) -> bytes:
    """The same as a PNG."""
    from matplotlib.lines import Line2D

    def legend() -> Sequence[Any]:
        return [
            Line2D([], [], label=name, color=light(SERIES[at]), marker=MARKERS[at], linestyle="none")
            for at, name in enumerate(_MEASURES)
        ]

    return picture([lambda axes: _draw(axes, found, light)], "png", legend=legend)


def _difference_columns(found: Mapping[str, Any]) -> list[Column]:
    unit = "points" if found["metric"] == _SHARE else "nats a token"
    return [
        Column(found["metric"], "number"),
        Column("difference", "number", f"to the whole model, {unit}"),
        Column("95 % interval", "number"),
        Column("p", "number", "paired, Holm"),
    ]


def difference_cells(found: Mapping[str, Any], row: Mapping[str, Any]) -> tuple[str, str, str, str]:
    """Score, difference to the whole model, its interval, p-value."""
    scale, digits = (100, 2) if found["metric"] == _SHARE else (1, 4)
    low, high = scale * row["difference_low"], scale * row["difference_high"]
    return (
        _score(found, row["score"]),
        f"{scale * row['difference']:+.{digits}f}",
        f"{low:+.{digits}f} to {high:+.{digits}f}",
        _p(row["p_value"]),
    )


def _windows(found: Mapping[str, Any]) -> Table:
    columns = [
        Column("at most so many tokens away"),
        Column("first token for all"),
        *_difference_columns(found),
    ]
    rows = [
        (f"{row['window']}", "yes" if row["first"] else "no", *difference_cells(found, row))
        for row in found["windows"]
    ]
    whole = found["whole"]
    rows.append(
        ("any", "", _score(found, whole["score"]), "", _between(found, whole["low"], whole["high"]), "")
    )
    return table("window-scores", f"{found['texts']:,} texts", columns, rows)


def _heads_off(found: Mapping[str, Any]) -> Table:
    figures = list(found["figures"])
    columns = [
        Column("layer, head"),
        *_difference_columns(found),
        *(Column(name, "number") for name in figures),
    ]
    rows = [
        Row(
            (
                f"{row['layer']}, {row['head']}",
                *difference_cells(found, row),
                *(f"{found['figures'][name][row['layer']][row['head']]:.3f}" for name in figures),
            ),
            "differs" if row["p_value"] < _SURE else "",
        )
        for row in found["heads_off"]
    ]
    caption = (
        f"Without each head, of {found['texts']:,} texts, and what it looks at in the {found['sentences']:,} of them"
        " that have words removed: entropy in nats, distance in tokens, shares of a token's attention on"
        " the text's first and last token, on the token before, on itself and on the one after"
    )
    return table("heads-off-scores", caption, columns, rows)
