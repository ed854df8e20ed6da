"""The command lines of the verbs that list runs, label them and put them away."""

from __future__ import annotations

from typing import Annotated

import typer

from cli.options import (
    DEFAULT_ROOT,
    Json,
    Root,
    RunId,
    ended_in_one_line,
    name_argument,
    name_option,
    names_given,
    text_option,
    whole_option,
)


@ended_in_one_line
def runs(
    where: Annotated[
        str | None, text_option("Only such: 'test/accuracy > 0.9 and optim.learning_rate < 1e-4'.")
    ] = None,
    sort: Annotated[str | None, name_option("By this, KEY, KEY:asc or KEY:desc; else newest first.")] = None,
    columns: Annotated[str | None, name_option("Show these, as in status,seed,test/loss.")] = None,
    experiment: Annotated[str | None, name_option("Only of this MLflow experiment.")] = None,
    sweep: Annotated[str | None, name_option("Only under this sweep's run ID.")] = None,
    limit: Annotated[int, whole_option("So many at the most.", 1, 1_000_000)] = 20,
    deleted: Annotated[bool, typer.Option("--deleted", help="Those in the bin.")] = False,
    root: Root = DEFAULT_ROOT,
    csv: Annotated[bool, typer.Option("--csv", help="Print them as CSV on stdout.")] = False,
    json: Json = False,
) -> int:
    """List runs, newest first, trials under their sweep."""
    from cli.run_list import runs_verb
    from runs.selection import Wanted

    wanted = Wanted(where, sort, names_given(columns, "--columns"), limit)
    return runs_verb(
        root, wanted, experiment=experiment, sweep=sweep, deleted=deleted, as_json=json, as_csv=csv
    )


@ended_in_one_line
def tag(
    run_id: RunId,
    label: Annotated[str, name_argument("A tag of your own and its value.", "KEY=VALUE")],
    root: Root = DEFAULT_ROOT,
) -> int:
    """Put a tag of your own on a run."""
    from cli.labels import tag_verb

    return tag_verb(run_id, label, root)


@ended_in_one_line
def note(
    run_id: RunId,
    text: Annotated[str, name_argument("What stands as its description, below its result.", "TEXT")],
    root: Root = DEFAULT_ROOT,
) -> int:
    """Describe a run in words of your own; its result stays above them."""
    from cli.labels import note_verb

    return note_verb(run_id, text, root)


@ended_in_one_line
def rm(
    run_ids: Annotated[list[str], typer.Argument(metavar="ID...", help="Runs' IDs or beginnings of them.")],
    restore: Annotated[bool, typer.Option("--restore", help="Take them out of the bin again.")] = False,
    with_trials: Annotated[bool, typer.Option("--with-trials", help="And all under a sweep.")] = False,
    root: Root = DEFAULT_ROOT,
) -> int:
    """Move runs to MLflow's bin; their files stay."""
    from cli.labels import rm_verb

    return rm_verb(run_ids, root, restore=restore, with_trials=with_trials)
