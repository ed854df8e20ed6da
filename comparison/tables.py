"""A comparison as a table to put elsewhere: Markdown, LaTeX or CSV, with the numbers of its JSON."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable
from typing import TYPE_CHECKING

from comparison.windows import task_of
from errors import visible
from schema.numbers import three_digits

if TYPE_CHECKING:
    from comparison.results import Comparison, Side

_LATEX = {
    "\\": r"\textbackslash{}", "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_", "{": r"\{", "}": r"\}",
    "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "<": "$<$", ">": "$>$",
    "|": r"\textbar{}", '"': r"\textquotedbl{}",
}  # fmt: skip

_MARKUP = re.compile(
    r"[\\\\`*|<~]"
    r"|(?<![^\W_])_|_(?![^\W_])"  # beside no letter or digit
    r"|\](?=[(\[])"  # of a link, whose text would end here
    r"|&(?=\#?\w+;)"  # of a character's name
)
_ENTITIES = {"<": "&lt;", "&": "&amp;"}


def half_width(side: Side) -> float | None:
    """Half of the 95 % interval of its score, which stands behind ±; none where there is no interval."""
    score = side.score
    return None if score.low is None or score.high is None else (score.high - score.low) / 2


def caption(comparison: Comparison) -> str:
    """What the marks of a table mean, without those of a format."""
    tied = " cannot be told from the best (5 %, Holm)." if len(comparison.sides) > 1 else ""
    return f"{comparison.subject}; ± is half of the 95 % interval.{' †' + tied if tied else ''}"


def markdown(comparison: Comparison) -> str:
    """A pipe table; the best in bold, what cannot be told from it marked."""
    heads, rows = _cells(
        comparison, dagger=" †", bold=lambda text: f"**{text}**", plus_minus=" ± ", safe=_markdown
    )
    lines = [heads, ["---"] * len(heads), *rows]
    table = "\n".join("| " + " | ".join(line) + " |" for line in lines)
    return f"{table}\n\n{_markdown(caption(comparison))}\n"


def latex(comparison: Comparison) -> str:
    """A `tabular` with booktabs' rules."""
    heads, rows = _cells(
        comparison,
        dagger=r"$^\dagger$",
        bold=lambda text: rf"\textbf{{{text}}}",
        plus_minus=r" $\pm$ ",
        safe=_latex,
    )
    body = " \\\\\n".join(" & ".join(line) for line in rows)
    told = _latex(caption(comparison)).replace("†", r"$^\dagger$").replace("±", r"$\pm$")
    return (
        f"% {told}\n\\begin{{tabular}}{{{'l' * (len(heads) - 2)}rr}}\n\\toprule\n"
        f"{' & '.join(heads)} \\\\\n\\midrule\n{body} \\\\\n\\bottomrule\n\\end{{tabular}}\n"
    )


def comma_separated(comparison: Comparison) -> str:
    """A line a side, every number as JSON has it.

    What cannot be seen in a text, or would steer a terminal, is escaped; before one that a spreadsheet would compute
    stands an apostrophe.
    """
    keys = list(comparison.sides[0].differs)
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    figures = [comparison.metric, "low", "high", "half_width", "log_loss", "held_out", "p_against_best"]
    writer.writerow(["run", "variant", "name", *map(_plain, keys), "seeds", *figures, "rank", "tied"])
    for side in comparison.sides:
        numbers = (
            side.score.value,
            side.score.low,
            side.score.high,
            half_width(side),
            side.loss,
            side.held_out,
            side.p,
        )
        writer.writerow(
            [
                side.runs[0], side.variant or "", _plain(side.name), *(_plain(side.differs[key]) for key in keys),
                " ".join(map(str, side.seeds)), *("" if one is None else repr(one) for one in numbers), side.rank,
                "yes" if side.tied else "no",
            ]
        )  # fmt: skip
    return out.getvalue()


def _cells(
    comparison: Comparison,
    *,
    dagger: str,
    bold: Callable[[str], str],
    plus_minus: str,
    safe: Callable[[str], str],
) -> tuple[list[str], list[list[str]]]:
    task = task_of(comparison)
    keys = list(comparison.sides[0].differs)
    unit = "%" if task.labelled else task.unit.strip()
    heads = ["run", *(safe(key.rpartition(".")[2]) for key in keys)]
    if comparison.of == "recipes":
        heads.append("seeds")
    heads += [safe(f"{comparison.metric} [{unit}]".replace("_", " ")), "p"]
    rows: list[list[str]] = []
    for side in comparison.sides:
        half = half_width(side)
        score = task.apart(side.score.value) + ("" if half is None else plus_minus + task.apart(half))
        marked = bold(score) if side.rank == 1 else score + (dagger if side.tied else "")
        seeds = [str(len(side.seeds))] if comparison.of == "recipes" else []
        told = [safe(three_digits(side.differs[key]) or side.differs[key]) for key in keys]
        rows.append(
            [safe(side.label), *told, *seeds, marked, "" if side.p is None else safe(p_value(side.p))]
        )
    return heads, rows


def p_value(p: float) -> str:
    """With two digits; what is smaller than one in ten thousand is said so."""
    return "< 0.0001" if p < 0.0001 else f"{p:.2g}"


def p_equals(p: float) -> str:
    """The same as a statement, such as "p = 0.03"."""
    shown = p_value(p)
    return f"p {shown}" if shown.startswith("<") else f"p = {shown}"


def _markdown(text: str) -> str:
    """Nothing in it is markup, and only what would be is escaped: an underscore inside a word is none.

    The rules are those of GitHub Flavored Markdown (version 0.29) for what stands inside a cell or a paragraph.
    """
    return _MARKUP.sub(lambda found: _ENTITIES.get(found[0], f"\\{found[0]}"), visible(text))


def _latex(text: str) -> str:
    return "".join(_LATEX.get(char, char) for char in visible(text))


def _plain(text: str) -> str:
    shown = visible(text)
    return f"'{shown}" if shown.startswith(("=", "+", "-", "@")) and not _is_number(shown) else shown


def _is_number(text: str) -> bool:
    return re.fullmatch(r"[+-]?[0-9.]+(?:[eE][+-]?[0-9]+)?", text) is not None


FORMATS: dict[str, Callable[[Comparison], str]] = {
    "markdown": markdown,
    "latex": latex,
    "csv": comma_separated,
}
