"""One run in a terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from rich.console import Console
from rich.padding import Padding
from rich.table import Table

from cli.metric_tables import print_metrics
from cli.tables import styled
from host.markup import literal

if TYPE_CHECKING:
    from tracking.entities import RunRecord

_SHOWN_TAGS = tuple(
    f"encore.{name}"
    for name in ("killed_because", "failed_because", "resumed_at", "resumed_under", "resumed_otherwise",
                 "forked_from", "forked_under", "reuses", "reproduces", "verdict", "gate", "export_gate", "recipe_id")
)  # fmt: skip


def print_run(
    console: Console,
    run: RunRecord,
    artifacts: Sequence[str],
    *,
    experiment: str,
    catalogued: Mapping[str, str] | None,
) -> None:
    """One run: what it says of itself, scores, settings, files.

    catalogued: the settings of `experiment` in the catalog; the run's own are then only those that differ. None: all.
    """
    console.print(f"Run [bold]{run.run_id}[/]  {literal(run.name)}  {styled(run.status, run.status)}")
    for tag in _SHOWN_TAGS:
        if tag in run.tags:
            console.print(f"{tag.removeprefix('encore.')}: {literal(run.tags[tag])}", highlight=False)
    if note := run.tags.get("mlflow.note.content"):
        for line in note.split("\n"):  # indented, or one of its lines could pass for one of ours
            console.print(Padding(literal(line), (0, 0, 0, 2), expand=False), highlight=False)
    print_metrics(console, run.metrics)
    if catalogued is None or not catalogued.keys() & run.params.keys():
        _print_settings(console, run.params)
    else:
        _print_differences(console, run.params, experiment, catalogued)
    console.print(f"artifacts: {literal(', '.join(artifacts))}", highlight=False)


def _print_settings(console: Console, params: Mapping[str, str]) -> None:
    settings = Table(show_header=False, title="settings", title_justify="left")
    for key in sorted(params):
        settings.add_row(literal(key), literal(params[key]))
    console.print(settings)


def _print_differences(
    console: Console, params: Mapping[str, str], experiment: str, catalogued: Mapping[str, str]
) -> None:
    other = [key for key in sorted(params) if catalogued.get(key) != params[key]]
    if other:
        table = Table("setting", "of this run", f"of {literal(experiment)}", title_justify="left")
        for key in other:
            table.add_row(literal(key), literal(params[key]), literal(catalogued.get(key, "")))
        console.print(table)
    same = len(params) - len(other)
    console.print(
        f"{same} settings are those of {literal(experiment)} in the catalog; `--all` lists them.",
        highlight=False,
    )
