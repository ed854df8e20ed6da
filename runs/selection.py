"""Which runs of a store are asked for, in which order, with which columns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from errors import UserError
from runs.conditions import condition
from runs.fields import Field, field_named, ranked
from tracking.entities import Keys

if TYPE_CHECKING:
    from tracking.entities import RunRecord
    from tracking.search import RunTable


@dataclass(frozen=True)
class Wanted:
    """where: a condition. sort: KEY, KEY:asc or KEY:desc; none: newest first. columns: names; none: those that a list
    has anyway. limit: so many at the most."""

    where: str | None = None
    sort: str | None = None
    columns: tuple[str, ...] | None = None
    limit: int | None = None


def selected(table: RunTable, wanted: Wanted, shown: Keys | None) -> tuple[list[RunRecord], list[Field]]:
    """The runs that are wanted, and what the columns mean. shown: what is read of these runs; none: all.

    UserError for a condition that is none and for a name that no run has.
    """
    if wanted.where is None and wanted.sort is None and wanted.columns is None:
        found = table.records(Keys(), limit=wanted.limit)
        return table.completed(found, shown), []
    keys = table.keys()
    fields = [field_named(name, keys) for name in wanted.columns or ()]
    for field in fields:
        shown = shown | field.keys if shown is not None else None
    found = _found(table, wanted, keys)[: wanted.limit]
    return table.completed(found, shown), fields


def _found(table: RunTable, wanted: Wanted, keys: Keys) -> list[RunRecord]:
    """No more is read of a run than it takes to tell whether it is wanted, and where it stands."""
    asked = None if wanted.where is None else condition(wanted.where, keys)
    order = None if wanted.sort is None else _order(wanted.sort, keys)
    only = Keys() if asked is None else asked.keys
    if order is not None:
        only |= order[0].keys
    found = table.records(only, limit=wanted.limit if asked is None and order is None else None)
    if asked is not None:
        found = [run for run in found if asked.holds(run)]
    return found if order is None else ranked(found, order[0], most_first=order[1])


def _order(sort: str, keys: Keys) -> tuple[Field, bool]:
    """By what, and whether the greatest comes first."""
    name, _, way = sort.rpartition(":")
    if not name:
        field = field_named(sort, keys)
        return field, field.most_first
    if way not in {"asc", "desc"}:
        raise UserError(f"{way!r} is no direction", where=f"--sort {sort}", cure="Give asc or desc.")
    return field_named(name, keys), way == "desc"


@dataclass(frozen=True)
class Place:
    """A run in a list of runs: how deep it stands under the sweep that it belongs to."""

    run: RunRecord
    depth: int


def as_tree(runs: Sequence[RunRecord]) -> list[Place]:
    """Each run below its parent where that is among them: the family with the newest member first, its children in the
    order in which they started. runs: newest first."""
    by_id = {run.run_id: run for run in runs}
    families: dict[str, list[RunRecord]] = {}
    for run in runs:
        parent = by_id.get(run.parent_id or "")
        # One level: what is below a child, as a store can be made to say, stands on its own.
        below = parent is not None and parent.parent_id not in by_id
        families.setdefault(parent.run_id if parent is not None and below else run.run_id, []).append(run)
    places: list[Place] = []
    for root, members in families.items():
        children = [run for run in reversed(members) if run.run_id != root]
        places += [Place(by_id[root], 0), *(Place(run, 1) for run in children)]
    return places
