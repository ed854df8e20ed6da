"""The command lines of the verbs that compare."""

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
    number_option,
)


@ended_in_one_line
def compare(
    runs: Annotated[
        list[str],
        name_argument(
            "Runs by the beginning of their IDs; ID@int8 is an export, a sweep its trials.", "ID..."
        ),
    ],
    of: Annotated[str, name_option("What is compared: models, or recipes by all their seeds.")] = "models",
    margin: Annotated[
        float | None, number_option("What does not matter, a share of rows or bits per byte. [0.01]")
    ] = None,
    variant: Annotated[
        str | None, name_option("Compare exports: fp32 or int8; of one run its export with itself.")
    ] = None,
    whole: Annotated[
        bool, typer.Option("--all", help="Also examples, slices, calibration, confusion.")
    ] = False,
    markdown: Annotated[bool, typer.Option("--markdown", help="Print the table as Markdown.")] = False,
    latex: Annotated[bool, typer.Option("--latex", help="Print the table as LaTeX.")] = False,
    csv: Annotated[bool, typer.Option("--csv", help="Print the table as CSV.")] = False,
    root: Root = DEFAULT_ROOT,
    json: Json = False,
) -> int:
    """Say which run is better on the same rows, and how sure that is.

    With by how much, the smallest difference that could be told, and a verdict for each pair.
    """
    from cli.comparison import Request, compare_verb

    wanted = {"json": json, "markdown": markdown, "latex": latex, "csv": csv}
    formats = tuple(name for name, given in wanted.items() if given)
    return compare_verb(Request(tuple(runs), of, margin, variant, whole, formats), root)


@ended_in_one_line
def best(
    experiment: Annotated[str, name_argument("An MLflow experiment, such as sst2.", "EXPERIMENT")],
    margin: Annotated[
        float | None, number_option("What does not matter, a share of rows or bits per byte. [0.01]")
    ] = None,
    root: Root = DEFAULT_ROOT,
    json: Json = False,
) -> int:
    """Show the best run of an experiment and what ties with it.

    And what the choice is worth: its score apart from what choosing adds to it.
    """
    from cli.comparison import best_verb

    return best_verb(experiment, margin, root, as_json=json)


@ended_in_one_line
def promote(
    run_id: RunId,
    variant: Annotated[
        str | None, name_option("Which form of it, also of the champion's. [int8 if the gate held]")
    ] = None,
    root: Root = DEFAULT_ROOT,
    json: Json = False,
) -> int:
    """Make a run the champion of its experiment in MLflow's registry.

    Whatever the comparison says, which is kept with it.
    """
    from cli.champions import promote_verb

    return promote_verb(run_id, variant, root, as_json=json)
