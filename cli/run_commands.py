"""The command lines of the verbs that list runs, label them and put them away."""

from __future__ import annotations

from typing import Annotated

import typer

from cli.options import (
    DEFAULT_ROOT,
    Json,
    Root,
    ended_in_one_line,
    name_option,
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

    names = None if columns is None else tuple(name.strip() for name in columns.split(","))
    wanted = Wanted(where, sort, names, limit)
    return runs_verb(
        root, wanted, experiment=experiment, sweep=sweep, deleted=deleted, as_json=json, as_csv=csv
    )
