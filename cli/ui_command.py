"""The command line of the verb that opens MLflow's pages."""

from __future__ import annotations

from typing import Annotated

import typer

from cli.options import DEFAULT_ROOT, Root, ended_in_one_line, name_argument, name_option, whole_option


@ended_in_one_line
def ui(
    named: Annotated[
        str | None,
        name_argument("A run, a sweep or an experiment; without it the experiment of the newest run.", "ID"),
    ] = None,
    host: Annotated[str, name_option("Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, whole_option("Port to listen on.", 1, 65535)] = 5000,
    charts: Annotated[bool, typer.Option("--charts", help="Open on the charts, not on the table.")] = False,
    no_open: Annotated[bool, typer.Option("--no-open", help="Print the link, open no browser.")] = False,
    root: Root = DEFAULT_ROOT,
) -> int:
    """Open the MLflow UI on a view that ranks the runs, until Ctrl-C."""
    from cli.ui import ui_verb

    return ui_verb(named, root, host=host, port=port, charts=charts, opens=not no_open)
