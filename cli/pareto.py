"""`encore pareto`."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from cli.console import print_json
from cli.figures import heading, number
from cli.headline import print_commands
from cli.session import OK, open_existing, outputs
from cli.tables import SHORT, fitted
from comparison.forms import SHORT_LATENCY, SHOWN, TIE_TOLD
from comparison.tables import p_value
from errors import UserError
from export.variants import BY_NAME
from host.markup import literal
from host.text import root_option
from scoring.tasks import task_named
from tracking.registered_models import CHAMPION, check_alias

if TYPE_CHECKING:
    from comparison.pareto import FormRow, Pareto
    from comparison.picking import Picked, Registered
    from scoring.task import Task

_CHANGED, _P = "changed from PyTorch", "p against FP32"
_SPARE = ["perplexity", _P, "95 % interval", _CHANGED]


@dataclass(frozen=True)
class Wanted:
    """What the command line asks for besides the table."""

    pick: str | None
    alias: str | None
    picture: Path | None


def pareto_verb(ids: Sequence[str], wanted: Wanted, root: Path, *, as_json: bool) -> int:
    from comparison.picking import picked, register
    from comparison.rules import rule_of

    rule = None if wanted.pick is None else rule_of(wanted.pick)
    if wanted.alias is not None and rule is None:
        raise UserError("names what is picked, and nothing is", where="--alias", cure="Add --pick.")
    check_alias(wanted.alias or CHAMPION)
    if wanted.picture is not None:
        check_picture(wanted.picture)
    out, reporter = outputs()
    store = open_existing(root, reporter)
    from comparison.pareto import pareto

    found = pareto(store, ids)
    chosen = None if rule is None else picked(store, found, rule)
    for note in found.notes:
        reporter.say(note, "warning")
    if wanted.picture is not None:
        replaces = wanted.picture.exists()
        draw(found, wanted.picture)
        reporter.say(f"{wanted.picture} has the picture.")
        if replaces:
            reporter.say("It takes the place of the file that stood there; --picture names another.")
    kept = None if chosen is None else register(store, chosen, wanted.alias or CHAMPION)
    if as_json:
        picks = None if chosen is None or kept is None else {**asdict(chosen), **asdict(kept)}
        print_json({**asdict(found), "pick": picks})
        return OK
    print_pareto(out, found)
    if chosen is not None and kept is not None:
        print_picked(out, chosen, kept, root)
    return OK


def print_pareto(console: Console, found: Pareto) -> None:
    task = task_named(found.task)
    several = len({row.run for row in found.forms}) > 1
    if not several:
        one = found.forms[0]
        console.print(f"Run [bold]{one.run[:SHORT]}[/]  {literal(one.name)}", highlight=False)
    rows = [_cells(row, found, task, several=several) for row in found.forms]
    console.print(fitted(console, rows, spare=_SPARE, squeezed="name"))
    console.print(_legend(found), style="dim", highlight=False)


def _cells(row: FormRow, found: Pareto, task: Task, *, several: bool) -> dict[str, str]:
    """several: runs, which are then named in each row."""
    low, high = row.score.low, row.score.high
    interval = (
        "" if low is None or high is None else f"{task.shown(low).removesuffix(' %')} to {task.shown(high)}"
    )
    of = "" if row.answers is None else f" of {row.answers:,}"
    return {
        "front": "[bold green]*[/]" if row.place == "front" else "",
        "run": row.run[:SHORT] if several else "",
        "name": literal(row.name) if several else "",
        "variant": BY_NAME[row.variant].name,
        heading(found.score): task.shown(row.score.value),
        "95 % interval": interval,
        "perplexity": number(row.perplexity),
        _CHANGED: "" if row.changed is None else f"{row.changed:,}{of}",
        _P: "" if row.p is None else p_value(row.p),
        _timed(found): number(row.latency_ms),
        "MiB": number(row.size_mib),
        "beaten by": _beaten(row, several=several),
    }


def _timed(found: Pareto) -> str:
    """An export's own table heads with "p50 ms" that of a row as long as the corpus's median."""
    return "1x16 p50 ms" if found.latency == SHORT_LATENCY else "p50 ms"


def _beaten(row: FormRow, *, several: bool) -> str:
    match row.place:
        case "front":
            return ""
        case "dominated":
            label = row.dominated_by or ""
            return label if several else label.rpartition("@")[2]
        case "original":
            return "as it was trained"
        case "unmeasured":
            return "a figure is missing"


def _legend(found: Pareto) -> str:
    lines = [
        f"*: on the front of {', '.join(found.over)}: no form of it is as good as another in all of them and better in"
        " one."
    ]
    if any(row.changed is not None for row in found.forms):
        answers = "answers" if task_named(found.task).labelled else "likeliest next tokens"
        lines.append(f"{_CHANGED}: {answers} that are not those of the model as it was trained.")
    if any(row.p is not None for row in found.forms):
        lines.append(f"{_P}: of the paired test that it is right as often (McNemar, mid-p).")
    if not found.incomparable:
        held = ", ".join(f"{name} {literal(value)}" for name, value in found.conditions.items())
        lines.append(f"{_timed(found)}: {SHOWN[found.latency]}; {held}. Medians {TIE_TOLD} are equal.")
    return "\n".join(lines)


def print_picked(console: Console, chosen: Picked, kept: Registered, root: Path) -> None:
    console.print(
        f"[bold]Picked: {literal(chosen.reason)}[/]\n"
        f"{literal(kept.model)}@{literal(kept.alias)} is now version {kept.version}, {chosen.form.variant} of run "
        f"{chosen.form.run[:SHORT]}.",
        highlight=False,
    )
    named = shlex.quote(f"{kept.model}@{kept.alias}")
    print_commands(console, {f"encore serve {named}{root_option(root)}": "answer over HTTP with it"})


def check_picture(file: Path) -> None:
    """UserError for a file that no picture can be written as."""
    from pages.pictures import FORMATS

    if file.suffix.lower().lstrip(".") not in FORMATS:
        endings = " or ".join(f".{form}" for form in FORMATS)
        raise UserError("is no picture's name", where=str(file), cure=f"End it in {endings}.")
    if file.is_dir():
        raise UserError("is a folder", where=str(file), cure="Name a file with --picture.")
    if not file.absolute().parent.is_dir():
        raise UserError("lies in no folder that there is", where=str(file), cure="Make the folder first.")


def draw(found: Pareto, file: Path) -> None:
    from comparison.pareto_picture import pareto_picture
    from host.disk import disk_errors, write_atomically

    content = pareto_picture(found, file.suffix.lower().lstrip("."))
    with disk_errors(file.absolute(), writing=len(content)):
        write_atomically(file, content)
