"""`encore`: the verbs. Heavy libraries are imported inside the verb that needs them."""

from __future__ import annotations

import sys
from importlib.metadata import version
from typing import Annotated

import typer
from typer.exceptions import TyperException

from cli.comparison_commands import best, compare, promote
from cli.export_command import export
from cli.options import (
    DEFAULT_ROOT,
    Again,
    Json,
    Overrides,
    Root,
    RunId,
    ended,
    ended_in_one_line,
    name_argument,
    whole_option,
    wrong_command_line,
)
from cli.pareto_command import RuleAndValue, pareto
from cli.quiet import quiet_environment
from cli.report import report
from cli.run_commands import note, rm, runs, tag
from cli.serve_command import serve
from cli.story_commands import generate, story
from cli.streams import prepare_streams
from cli.study_commands import study
from cli.termination import interrupt_on_sigterm
from cli.ui_command import ui

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    help="Launch sweeps, compare runs in the MLflow UI, export them to INT8.",
)


def _print_version(wanted: bool) -> None:
    if wanted:
        print(f"encore {version('encore-harness')}")  # noqa: T201
        raise typer.Exit


@app.callback()
def common(
    _version: Annotated[
        bool,
        typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and stop."),
    ] = False,
) -> None:
    """Options of `encore` itself."""


@app.command()
@ended_in_one_line
def sweep(
    name: Annotated[str, name_argument("A catalogued sweep, or a YAML file.", "NAME")],
    overrides: Overrides = None,
    again: Again = False,
    root: Root = DEFAULT_ROOT,
    json: Json = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print the sweep, start nothing.")] = False,
    status: Annotated[bool, typer.Option("--status", help="Print how far it is, start nothing.")] = False,
) -> int:
    """Search an experiment's space for the best settings.

    Run again, it goes on where it stopped; finished, it prints its table.
    """
    from cli.sweeps import sweep_status_verb, sweep_verb

    if status:
        return sweep_status_verb(name, overrides or [], root, as_json=json)
    return sweep_verb(name, overrides or [], root, again=again, as_json=json, dry_run=dry_run)


@app.command()
@ended_in_one_line
def train(
    name: Annotated[
        str,
        name_argument(
            "A catalogued experiment, a YAML file, or a run with whose settings to train anew.", "NAME|ID"
        ),
    ],
    overrides: Overrides = None,
    again: Again = False,
    root: Root = DEFAULT_ROOT,
    json: Json = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Print the resolved config, train nothing.")
    ] = False,
) -> int:
    """Run one experiment: train, score, export, record."""
    from cli.verbs import train_verb

    return train_verb(name, overrides or [], root, again=again, as_json=json, dry_run=dry_run)


@app.command()
@ended_in_one_line
def data(
    name: Annotated[str, name_argument("A catalogued experiment, or a YAML file.", "NAME")],
    overrides: Overrides = None,
    root: Root = DEFAULT_ROOT,
    json: Json = False,
) -> int:
    """Look at the rows of an experiment before training.

    Files, labels, lengths, copies, and some rows as tokens.
    """
    from cli.data import data_verb

    return data_verb(name, overrides or [], root, as_json=json)


app.command()(runs)
app.command()(tag)
app.command()(note)
app.command()(rm)


@app.command()
@ended_in_one_line
def show(
    run_id: RunId,
    whole: Annotated[
        bool, typer.Option("--all", help="Every setting, not only those that differ from the catalog's.")
    ] = False,
    root: Root = DEFAULT_ROOT,
    json: Json = False,
) -> int:
    """Show one run: scores, exports, settings, artifacts."""
    from cli.verbs import show_verb

    return show_verb(run_id, root, whole=whole, as_json=json)


app.command()(export)
app.command()(generate)
app.command()(story)
app.add_typer(study, name="study")
app.command()(compare)
app.command()(best)
app.command()(report)
app.command(cls=RuleAndValue)(pareto)
app.command()(promote)
app.command()(ui)
app.command()(serve)


@app.command()
@ended_in_one_line
def resume(run_id: RunId, root: Root = DEFAULT_ROOT, json: Json = False) -> int:
    """Go on with a killed run from its last checkpoint.

    It stays the same run, and ends with the same bits as if it had not been killed.
    """
    from cli.verbs import resume_verb

    return resume_verb(run_id, root, as_json=json)


@app.command()
@ended_in_one_line
def fork(
    origin: Annotated[
        str,
        name_argument("A run and a step it has a checkpoint of, or best, or last.", "ID@STEP"),
    ],
    overrides: Overrides = None,
    root: Root = DEFAULT_ROOT,
    json: Json = False,
) -> int:
    """Start a new run from an old run's checkpoint.

    Settings that are given hold from there on.
    """
    from cli.verbs import fork_verb

    return fork_verb(origin, overrides or [], root, as_json=json)


@app.command()
@ended_in_one_line
def reproduce(
    run_id: RunId,
    check: Annotated[
        bool, typer.Option("--check", help="Compare the environment with the record; train nothing.")
    ] = False,
    at_commit: Annotated[
        bool, typer.Option("--at-commit", help="With the recorded commit, patch and lock.")
    ] = False,
    trust: Annotated[
        bool, typer.Option("--trust", help="With --at-commit: run code that this machine has not recorded.")
    ] = False,
    accept_tolerance: Annotated[
        bool, typer.Option("--accept-tolerance", help="Exit with 0 also when only within tolerance.")
    ] = False,
    threads: Annotated[
        int | None, whole_option("CPU threads; without it as many as recorded.", 1, 1024)
    ] = None,
    root: Root = DEFAULT_ROOT,
    json: Json = False,
) -> int:
    """Run a recorded run again and certify whether it is the same.

    The same means to the bit. The certificate says when, on what machine and with which code both ran.
    """
    from cli.reproduction import check_verb, reproduce_verb

    if check:
        of_training = {"--at-commit": at_commit, "--trust": trust, "--accept-tolerance": accept_tolerance}
        besides = [option for option, given in of_training.items() if given]
        return check_verb(run_id, root, threads=threads, besides=besides, as_json=json)
    return reproduce_verb(
        run_id,
        root,
        threads=threads,
        at_commit=at_commit,
        trust=trust,
        accept_tolerance=accept_tolerance,
        as_json=json,
    )


@app.command()
@ended_in_one_line
def verify(run_id: RunId, root: Root = DEFAULT_ROOT, json: Json = False) -> int:
    """Recompute a finished run's digests and scores from its files.

    Every file is held to its sha256, every score to the answers that were kept.
    """
    from cli.reproduction import verify_verb

    return verify_verb(run_id, root, as_json=json)


@app.command()
@ended_in_one_line
def diff(
    one: Annotated[str, name_argument("A run's ID or the beginning of it.", "A")],
    other: Annotated[str, name_argument("Another's.", "B")],
    root: Root = DEFAULT_ROOT,
    json: Json = False,
) -> int:
    """Show what differs between two runs, and in their results.

    Settings, data, code, libraries, machine; then the metrics of both and their difference.
    """
    from cli.differences import diff_verb

    return diff_verb(one, other, root, as_json=json)


@app.command()
@ended_in_one_line
def catalog(json: Json = False) -> int:
    """List the catalogued experiments and sweeps."""
    from cli.verbs import catalog_verb

    return catalog_verb(as_json=json)


def main() -> None:
    """Entry point."""
    interrupt_on_sigterm()
    sys.exit(ended(_run, None))


def _run() -> int:
    prepare_streams()
    quiet_environment()
    try:
        return app(prog_name="encore", standalone_mode=False) or 0
    except TyperException as error:
        return wrong_command_line(error)


if __name__ == "__main__":
    main()
