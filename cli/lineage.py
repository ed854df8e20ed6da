"""What a run goes back to, drawn line by line, for `encore show`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from rich.console import Console

from cli.tables import SHORT
from host.markup import literal
from host.text import shortened
from runs.files import RunFiles
from runs.lineage import Ancestor, ancestors
from scoring.tasks import task_of_metrics


def print_lineage(console: Console, run: RunFiles) -> None:
    """A line for each parent, those before it below it: how it is one, its ID, its name and its score."""
    for line in _lines(ancestors(run.store, run.record)):
        console.print(literal(shortened(line, console.width)), highlight=False, soft_wrap=True)


def _lines(found: Sequence[Ancestor]) -> Iterator[str]:
    for one in found:
        said = f"{'   ' * one.depth}└─ {one.role.told} {one.run_id[:SHORT]}"
        if one.run is None:
            yield f"{said}, which is gone"
            continue
        score = score_of(one)
        yield f"{said} {one.run.name}{f': {score}' if score else ''}{', in the bin' if one.in_bin else ''}"


def score_of(one: Ancestor) -> str:
    """Of the official split, with its name; empty where the run has none."""
    metrics = {} if one.run is None else one.run.metrics
    task = task_of_metrics(metrics, "test")
    return "" if task is None else task.told(metrics, "test")[0]


def lineage_json(run: RunFiles) -> dict[str, Any]:
    """The same for `--json`."""
    return {
        "lineage": [
            {
                "role": one.role.told,
                "run_id": one.run_id,
                "depth": one.depth,
                "name": None if one.run is None else one.run.name,
                "score": score_of(one) or None,
                "in_bin": one.in_bin,
            }
            for one in ancestors(run.store, run.record)
        ]
    }
