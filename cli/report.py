"""The verb that writes one page about a sweep or some runs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.options import DEFAULT_ROOT, Json, Root, ended_in_one_line, folder_given, name_argument
from errors import UserError

if TYPE_CHECKING:
    from comparison.report.subject import Subject

_OURS = b'<meta name="generator" content="Encore">'
_HEAD = 1000  # bytes of a page that its head takes


@ended_in_one_line
def report(
    ids: Annotated[list[str], name_argument("A sweep or runs: IDs or the beginnings of them.", "ID…")],
    out: Annotated[
        Path,
        typer.Option("--out", help="The file to write.", parser=folder_given, metavar="FILE"),
    ] = Path("report.html"),
    root: Root = DEFAULT_ROOT,
    json: Json = False,
) -> int:
    """Write one page to send on, about a sweep or some runs.

    What was asked, what won, how sure that is, and how to redo each run.
    """
    from cli.session import OK, open_existing, outputs

    console, reporter = outputs()
    store = open_existing(root, reporter)
    from comparison.report.attempts import Attempts
    from comparison.report.page import page_of
    from comparison.report.subject import subject_of

    subject, attempts = subject_of(store, ids), Attempts()
    _refuse_anothers(out)
    replaces = out.exists()
    with reporter.console.status("writing the report"):
        page = page_of(subject, attempts).encode()
    _write(out, page)
    if json:
        from cli.console import print_json

        print_json(_told(subject, out, page, attempts.notes))
    else:
        from host.markup import literal

        for note in attempts.notes:
            reporter.console.print(f"note: {literal(note)}", style="yellow", highlight=False)
        if replaces:
            reporter.say("It takes the place of the report that stood there; --out names another file.")
        console.print(literal(str(out)), highlight=False, soft_wrap=True)
    return OK


def _told(subject: Subject, out: Path, page: bytes, notes: list[str]) -> dict[str, object]:
    return {
        "file": str(out),
        "bytes": len(page),
        "runs": [run.run_id for run in subject.runs],
        "winner": None if subject.winner is None else subject.winner.run_id,
        "notes": notes,
    }


def _refuse_anothers(out: Path) -> None:
    """UserError where a file stands that is no page of Encore's."""
    if out.is_dir():
        raise UserError("is a folder", where=str(out), cure="Name a file with --out.")
    if out.exists():
        with out.open("rb") as file:
            if _OURS not in file.read(_HEAD):
                cure = "Move it away, or name another file with --out."
                raise UserError("is no page that Encore wrote", where=str(out), cure=cure)


def _write(out: Path, page: bytes) -> None:
    from host.disk import disk_errors, write_atomically

    with disk_errors(out.absolute(), writing=len(page)):
        write_atomically(out, page)
