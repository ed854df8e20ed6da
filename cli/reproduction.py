"""`encore reproduce` and `verify`: what they print and how they exit."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table

from cli.code_tables import print_code
from cli.console import print_json
from cli.differences import print_causes
from cli.session import FAILED, OK, named_run
from cli.studies import replay_verb
from cli.tables import SHORT
from errors import UserError
from experiments.checkout import check_own_checkout
from host.markup import literal
from host.progress import working
from runs.layout import RunKind, kind_of

if TYPE_CHECKING:
    from experiments.reproduction.reproduce import Reproduced
    from experiments.reproduction.trust import Agree, Summary
    from experiments.reproduction.verdict import Comparison
    from runs.check import Check

_COLOURS = {"identical": "bold green", "within tolerance": "bold yellow", "different": "bold red"}


def reproduce_verb(
    run_id: str,
    root: Path,
    *,
    threads: int | None,
    at_commit: bool,
    trust: bool,
    accept_tolerance: bool,
    as_json: bool,
) -> int:
    check_own_checkout()
    if trust and not at_commit:
        raise UserError("runs the code of here", where="--trust", cure="Leave it out, or add --at-commit.")
    out, reporter, run = named_run(run_id, root)
    if kind_of(run.record) == RunKind.STUDY:
        _refuse_of_training({"--threads": threads is not None, "--at-commit": at_commit})
        return replay_verb(run, out, reporter, as_json=as_json)
    from experiments.reproduction.reproduce import reproduce

    agree = (lambda _: True) if trust else _asked(reporter.console)
    found = reproduce(run, threads=threads, at_commit=at_commit, agree=agree, reporter=reporter)
    if as_json:
        print_json(found.certificate)
    else:
        _print_reproduction(out, run.record.run_id, found)
    accepted = {"identical", "within tolerance"} if accept_tolerance else {"identical"}
    return OK if found.comparison.verdict in accepted else FAILED


def _refuse_of_training(given: Mapping[str, bool]) -> None:
    """UserError for an option that means nothing where nothing was trained."""
    option = next((name for name, is_given in given.items() if is_given), None)
    if option is not None:
        raise UserError("is of a training, and this is a study", where=option, cure="Leave it out.")


def _asked(progress: Console) -> Agree | None:
    """Shows whose code it is and asks; None where no person is at the other end."""
    if not (sys.stdin.isatty() and progress.is_terminal):
        return None

    def ask(summary: Summary) -> bool:
        print_code(progress, summary)
        try:
            answer = progress.input("Run this code? It may do whatever you may do. [y/N] ", markup=False)
        except EOFError:
            return False
        return answer.strip().lower() in {"y", "yes"}

    return ask


def check_verb(run_id: str, root: Path, *, threads: int | None, besides: Sequence[str], as_json: bool) -> int:
    """besides: options that were given with it and mean nothing where nothing is trained."""
    if besides:
        raise UserError(
            "a check trains nothing and compares with the code that is here",
            where=f"--check {' '.join(besides)}",
            cure=f"Leave out --check, or {' and '.join(besides)}.",
        )
    out, reporter, run = named_run(run_id, root)
    from experiments.reproduction.reproduce import check

    causes, short = check(run, threads=threads, reporter=reporter), run.record.run_id[:SHORT]
    if as_json:
        print_json([asdict(cause) for cause in causes])
    elif causes:
        title = f"What differs from the record of {short}"
        out.print(title, style="italic")
        print_causes(out, causes, ("recorded", "now"))
    else:
        out.print(f"Nothing here differs from the record of [bold]{short}[/].")
    return FAILED if causes else OK


def verify_verb(run_id: str, root: Path, *, as_json: bool) -> int:
    out, reporter, run = named_run(run_id, root)
    from runs.verify import verify, with_manifest

    short = run.record.run_id[:SHORT]
    with working(reporter, f"recomputing the digests and scores of run {short}"):
        checks = verify(run)
    broken = [check for check in checks if not check.holds]
    if as_json:
        print_json([asdict(check) for check in checks])
    elif broken:
        out.print(_broken_table(broken, short))
    else:
        out.print(
            f"Run [bold]{short}[/] holds: {len(checks)} files, digests and scores, all as recorded.",
            highlight=False,
        )
    if not with_manifest(run):
        reporter.say(
            "Recorded before manifests: which files it left is not known, so none that was added or is gone with its "
            "digest can be told.",
            "warning",
        )
    return FAILED if broken else OK


def _broken_table(broken: Sequence[Check], run: str) -> Table:
    table = Table("what", "file", "recorded", "found", title=f"Run {run} does not hold")
    for check in broken:
        cells = (check.what, check.file, check.recorded[:24], check.found[:60])
        table.add_row(*(literal(cell) for cell in cells))
    return table


def _print_reproduction(out: Console, recorded_id: str, found: Reproduced) -> None:
    from experiments.reproduction.certificate import operations_line
    from runs.layout import NONDETERMINISTIC

    comparison = found.comparison
    colour = _COLOURS[comparison.verdict]
    out.print(
        f"[{colour}]{comparison.verdict}[/]: run [bold]{found.run_id[:SHORT]}[/] plays "
        f"[bold]{recorded_id[:SHORT]}[/] again",
        highlight=False,
    )
    out.print(_comparison_table(comparison, ("then", "now")))
    if found.causes:
        title = "What differs around it, the likeliest cause first"
        out.print(title, style="italic")
        print_causes(out, found.causes, ("recorded", "now"))
    if comparison.verdict != "identical" and any(cause.kind == "code" for cause in found.causes):
        out.print(
            f"`encore reproduce {recorded_id[:SHORT]} --at-commit` plays it with the code it was made with."
        )
    if found.certificate[NONDETERMINISTIC]:
        out.print(literal(operations_line(found.certificate)), highlight=False)
    out.print(f"[dim]certificate: {literal(str(found.certificate_file))}[/]", highlight=False, soft_wrap=True)


def _comparison_table(comparison: Comparison, names: tuple[str, str]) -> Table:
    from experiments.reproduction.certificate import comparison_rows

    table = Table("compared", "result")
    for what, result, equal in comparison_rows(asdict(comparison), names):
        table.add_row(literal(what), literal(result) if equal else f"[red]{literal(result)}[/]")
    return table
