"""The verb that says why a variant answers otherwise, and how that looks in a terminal."""

from __future__ import annotations

import shlex
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from cli.console import print_json
from cli.figures import number, percent
from cli.headline import print_commands
from cli.session import OK, named_run
from cli.tables import SHORT, fitted
from export.variants import BY_NAME, FP32
from host.markup import literal
from host.text import root_option, shortened

if TYPE_CHECKING:
    from rich.console import Console

    from experiments.training.explaining import Explanation
    from export.blame import Blame, Scored

_TEXT = 60
_LABEL = 20
_NODES = 10  # that carry most
_ANSWERS = 20
_BAR = 20  # characters, of all of the error
_EIGHTHS = " ▏▎▍▌▋▊▉"


def explain_verb(run_id: str, variant: str, gate: float | None, root: Path, *, as_json: bool) -> int:
    out, reporter, run = named_run(run_id, root)
    from experiments.training.explaining import explained

    found = explained(run, variant, gate=gate, reporter=reporter)
    if not found.as_recorded:
        reporter.say(
            f"{variant} drawn here is not to the byte the run's own file, which another machine or version wrote;"
            " explained is the one drawn here.",
            "warning",
        )
    if as_json:
        print_json(asdict(found))
    else:
        print_explanation(out, found, run.record.run_id[:SHORT], root)
    return OK


def print_explanation(out: Console, found: Explanation, short: str, root: Path) -> None:
    blame, label = found.blame, BY_NAME[found.blame.variant].label
    as_it_is = blame.as_it_is
    out.print(
        f"{label} changes {as_it_is.changed} of {blame.examples} answers of {FP32.label}: {as_it_is.lost} right ones"
        f" lost, {as_it_is.won} won; accuracy {percent(as_it_is.accuracy)},"
        f" {_below(as_it_is)} (limit {blame.limit_points:g}).",
        highlight=False,
    )
    out.print(
        f"Its logits lie {as_it_is.error:.3g} from {FP32.label}'s (root of the mean square);"
        f" the median answer of {FP32.label} is {blame.median_margin:.3g} above the next.",
        highlight=False,
    )
    if blame.changed:
        title = (
            f"Changed answers, those of which {FP32.label} was least sure first;"
            f" lead: how far the logit of {FP32.label}'s answer lies above the next"
        )
        out.print(fitted(out, _answers(found, label), spare=["text"], squeezed="text", title=title))
    title = (
        f"What is left of the error with one node alone in float32, on {blame.asked} examples;"
        " a full bar would be no error left"
    )
    out.print(fitted(out, _nodes(blame), spare=["", "MiB added"], squeezed="node", title=title))
    _print_smallest(out, found, label, short, root)


def _below(scored: Scored) -> str:
    points = scored.drop_points
    return f"{abs(points):.2f} points {'above' if points < 0 else 'below'} {FP32.label}'s"


def _answers(found: Explanation, label: str) -> list[dict[str, str]]:
    nearest = sorted(found.blame.changed, key=lambda answer: answer.base_margin)
    names = [literal(shortened(name, _LABEL)) for name in found.labels]
    return [
        {
            "row": str(answer.index),
            "right answer": names[answer.label],
            FP32.label: names[answer.base],
            "lead": number(answer.base_margin, 3),
            label: names[answer.ours],
            f"lead in {label}": number(answer.margin, 3),
            "text": literal(shortened(found.texts[answer.index], _TEXT)),
        }
        for answer in nearest[:_ANSWERS]
    ]


def _nodes(blame: Blame) -> list[dict[str, str]]:
    return [
        {
            "node": literal(node.name),
            "error left": number(node.error, 4),
            "error removed": f"{100 * node.share:.0f} %",
            "": _bar(node.share),
            "answers changed": str(node.changed),
            "MiB added": number(node.mib, 2),
        }
        for node in blame.nodes[:_NODES]
    ]


def _bar(share: float) -> str:
    """As long as the share, to an eighth of a character."""
    whole, eighths = divmod(round(8 * _BAR * min(max(share, 0.0), 1.0)), 8)
    return ("█" * whole + _EIGHTHS[eighths]).rstrip()


def _print_smallest(out: Console, found: Explanation, label: str, short: str, root: Path) -> None:
    blame, best = found.blame, found.blame.smallest
    if not best.float32:
        out.print(f"{label} meets the gate as it is; nothing has to stay in float32.", highlight=False)
        return
    more = "more " if found.left else ""
    out.print(
        f"With {len(best.float32)} {more}in float32 it meets the gate, scored again on all {blame.examples} rows:"
        f" accuracy {percent(best.accuracy)}, {_below(best)}, {best.changed} changed, {best.size_mib:.2f} MiB"
        f" ({blame.as_it_is.size_mib:.2f} without).",
        highlight=False,
    )
    for name in best.float32:
        out.print(f"  {literal(name)}", highlight=False)
    names = shlex.quote(",".join([*found.left, *best.float32]))  # the option names all of them
    command = f"encore export {short} --variants {blame.variant} --float32 {names}{root_option(root)}"
    print_commands(out, {command: "write it so"})
