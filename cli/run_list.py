"""`encore runs`: one line a run, in a table, as CSV or as JSON."""

from __future__ import annotations

import csv
import sys
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from cli.console import print_json
from cli.figures import cell, coherent, exported, heading, score
from cli.session import OK, open_existing, outputs
from cli.tables import SHORT, fitted, styled
from errors import UserError
from export.variants import DEPLOYED
from host.markup import harmless, literal
from host.text import shortened
from runs.fields import Field, moment
from runs.layout import KIND_TAG, STAGE_TAG, RunKind, kind_of
from runs.selection import Place, Wanted, as_tree, selected
from runs.states import state_of
from scoring.tasks import TASKS
from tracking.entities import KILLED_BECAUSE_TAG, Keys

if TYPE_CHECKING:
    from tracking.entities import RunRecord
    from tracking.store import Store

_SCORES = {
    **{f"best/val/{task.metric}": "held-out" for task in TASKS},
    **{f"test/{task.metric}": "test" for task in TASKS},
    **{f"export/{DEPLOYED.name}/{task.export_figure}": DEPLOYED.label for task in TASKS},
    "stories/coherent": "coherent",
}
_READ = Keys(metrics=frozenset(_SCORES), tags=frozenset({KIND_TAG, STAGE_TAG, KILLED_BECAUSE_TAG}))
_CSV = ("run", "name", "status", "kind", "experiment", "started", "minutes", "parent")
_FORMULA = ("=", "+", "-", "@", "\t", "\r")  # what a spreadsheet takes for one
_MOST_PARENTS = 8
_NAME = 250  # characters of a name, which MLflow holds to as many


def runs_verb(
    root: Path,
    wanted: Wanted,
    *,
    experiment: str | None,
    sweep: str | None,
    deleted: bool,
    as_json: bool,
    as_csv: bool,
) -> int:
    if as_json and as_csv:
        raise UserError("are two forms of one answer", where="--json --csv", cure="Give one of them.")
    out, reporter = outputs()
    store = open_existing(root, reporter)
    parent = None if sweep is None else _sweep_named(store, sweep).run_id
    table = store.table(experiment=experiment, parent_id=parent, deleted=deleted)
    whole = as_json and wanted.columns is None
    if as_csv and wanted.columns is None:
        wanted = _with_columns(wanted)
    found, fields = selected(table, wanted, None if whole else _READ)
    if whole:
        print_json([asdict(run) for run in found])
    elif as_json:
        print_json([_named_values(run, fields) for run in found])
    elif as_csv:
        _write_csv(found, fields)
    else:
        # Of what was not asked for, a sweep above its trials is no answer: the condition may not hold of it.
        whole_trees = wanted.where is None and not deleted
        narrowed = experiment is not None or sweep is not None or not whole_trees
        places = _places(store, found, wanted, whole_trees=whole_trees)
        _print_runs(out, places, fields, narrowed=narrowed)
    return OK


def _sweep_named(store: Store, prefix: str) -> RunRecord:
    """UserError where the run is none of many trials."""
    run = store.find(prefix)
    if kind_of(run) != RunKind.SWEEP:
        of = f"It is a trial of sweep {run.parent_id[:SHORT]}. " if run.parent_id else ""
        raise UserError(
            "is no sweep", where=run.label, cure=f"{of}`encore runs --where 'kind = sweep'` lists the sweeps."
        )
    return run


def _with_columns(wanted: Wanted) -> Wanted:
    """CSV has columns of its own: what a run is, and the scores that a table shows."""
    return Wanted(wanted.where, wanted.sort, _CSV, wanted.limit)


def _named_values(run: RunRecord, fields: Sequence[Field]) -> dict[str, object]:
    return {"run_id": run.run_id, **{field.name: _plain(field, run) for field in fields}}


def _plain(field: Field, run: RunRecord) -> object:
    value = field.of(run)
    return value.isoformat(sep=" ", timespec="seconds") if isinstance(value, datetime) else value


def _write_csv(found: Sequence[RunRecord], fields: Sequence[Field]) -> None:
    """Numbers whole; a text that a spreadsheet would take for a formula begins with an apostrophe."""
    writer = csv.writer(sys.stdout, lineterminator="\n")
    scores = [key for key in _SCORES if any(key in run.metrics for run in found)]
    shown = [] if any(field.kind != "attribute" for field in fields) else scores
    writer.writerow([*(field.name for field in fields), *shown])
    for run in found:
        cells = [_csv_cell(_plain(field, run)) for field in fields]
        writer.writerow([*cells, *(run.metrics.get(key, "") for key in shown)])


def _csv_cell(value: object) -> object:
    if not isinstance(value, str):
        return "" if value is None else value
    return harmless(f"'{value}" if value.startswith(_FORMULA) else value)


def _places(store: Store, found: Sequence[RunRecord], wanted: Wanted, *, whole_trees: bool) -> list[Place]:
    """Without an order of their own, trials stand under their sweep. whole_trees: also under one that is not found."""
    if wanted.sort is not None:
        return [Place(run, 0) for run in found]
    return places_of(store, found) if whole_trees else as_tree(found)


def _print_runs(
    console: Console, places: Sequence[Place], fields: Sequence[Field], *, narrowed: bool
) -> None:
    """One line per run."""
    if not places:
        none = "No run is like that; `encore runs` without options lists all."
        first = "No runs yet. `make demo` or `encore train demo_reviews` makes the first."
        console.print(none if narrowed else first, highlight=False)
        return
    print_places(console, places, fields)


def places_of(store: Store, found: Sequence[RunRecord]) -> list[Place]:
    """Runs as a tree, with the sweeps of those whose own are not among them."""
    present = {run.run_id for run in found}
    missing = [run.parent_id for run in found if run.parent_id and run.parent_id not in present]
    parents: list[RunRecord] = []
    for run_id in list(dict.fromkeys(missing))[:_MOST_PARENTS]:
        try:
            parents.append(store.find(run_id))
        except UserError:  # deleted, or no ID: then its trials stand for themselves
            continue
    return as_tree([*found, *parents])


def print_places(console: Console, places: Sequence[Place], fields: Sequence[Field]) -> None:
    """fields: the columns that were asked for beside run and name; none: scores and status."""
    rows = [_row(place, fields) if fields else _scored_row(place) for place in places]
    spare = [head for head in reversed(rows[0]) if head not in ("run", "name")]
    if not fields:
        spare = ["experiment", "started", DEPLOYED.label]
    console.print(fitted(console, rows, spare=spare))
    empty = [head for head in rows[0] if not any(row[head] for row in rows)] if fields else []
    if empty:
        console.print(f"None of these runs has {', '.join(empty)}.", style="dim", highlight=False)


def _row(place: Place, fields: Sequence[Field]) -> dict[str, str]:
    run = place.run
    asked = {_head(field, fields): cell(field, field.of(run)) for field in fields}
    return {"run": run.run_id[:SHORT], **({} if "name" in asked else {"name": _name(place)}), **asked}


def _head(field: Field, fields: Sequence[Field]) -> str:
    """Short, unless two columns would have one head."""
    short = heading(field.key)
    return short if sum(heading(other.key) == short for other in fields) == 1 else literal(field.name)


def _scored_row(place: Place) -> dict[str, str]:
    run = place.run
    return {
        "run": run.run_id[:SHORT],
        "name": _name(place),
        "status": styled(run.status, state_of(run)),
        "held-out": score(run.metrics, "best/val") or coherent(run, "search"),
        "test": score(run.metrics, "test") or coherent(run, "official"),
        DEPLOYED.label: exported(run.metrics),
        "started": _started(run),
        "experiment": literal(run.experiment),
    }


def _name(place: Place) -> str:
    return f"{'└ ' if place.depth else ''}{literal(shortened(place.run.name, _NAME))}"


def _started(run: RunRecord) -> str:
    started = moment(run.start_ms)
    return "" if started is None else f"{started:%Y-%m-%d %H:%M}"
