"""What is to be compared, as it was named on a command line: runs, variants of their exports, a sweep's trials."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from comparison.answers import check_finished
from comparison.recipes import seed_of
from errors import UserError
from export.variants import BY_NAME, ORIGINAL
from runs.checks import check_is_one_run
from runs.files import RunFiles
from runs.layout import REUSES_TAG, RunKind, kind_of
from runs.states import state_of

if TYPE_CHECKING:
    from tracking.entities import RunRecord
    from tracking.store import Store


MARGIN = 0.01
"""Differences below it do not matter, where nobody says another: a point of accuracy, 0.01 bits per byte."""


def check_margin(margin: float) -> None:
    """UserError for one below 0 or above 1. With 0 nothing is ever the same."""
    if not 0 <= margin <= 1:
        raise UserError(
            f"{margin:g} is no margin",
            where="--margin",
            cure="Give the largest difference that does not matter, from 0 to 1: 0.01 is a point of accuracy.",
        )


@dataclass(frozen=True)
class Named:
    """A run, and a variant of its export; none: the model as it was trained. sweep: whose trial it was taken for."""

    run: RunFiles
    variant: str | None = None
    sweep: RunFiles | None = None

    @property
    def key(self) -> tuple[str, str | None]:
        return self.run.record.run_id, self.variant


def named_models(store: Store, names: Sequence[str], variant: str | None) -> list[Named]:
    """Of names such as `3f2a91c0` and `3f2a91c0@int8`; a sweep stands for its finished trials.

    variant: of those that name none; of a single run its export against itself. UserError for what cannot be compared:
    one run alone, the same twice, a variant that there is not.
    """
    check_variant(variant)
    found = [named for name in names for named in _named(store, name, variant)]
    if len(found) == 1 and variant is not None and found[0].variant == variant:
        found = [Named(found[0].run), found[0]]
    seen: set[tuple[str, str | None]] = set()
    for named in found:
        if named.key in seen:
            raise named_twice(named.run)
        seen.add(named.key)
    if len(found) < 2:
        raise UserError(
            "there is nothing to compare it with",
            where=found[0].run.where if found else "encore compare",
            cure="Name another run, or --variant to compare its export with it; `encore runs` lists the runs.",
        )
    return found


def named_twice(run: RunFiles) -> UserError:
    return UserError(
        "is named twice", where=run.where, cure="Name each run once, or its export as ID@VARIANT."
    )


def _named(store: Store, name: str, variant: str | None) -> Iterator[Named]:
    run_id, at, own = name.partition("@")
    if at and not (run_id and own):
        raise UserError(
            "names no run and its export", where=name, cure="Give ID@VARIANT, as in 3f2a91c0@int8."
        )
    if at:
        check_variant(own)
        variant = own
    if variant == ORIGINAL.name:
        variant = None
    run = RunFiles(store, store.find(run_id))
    if kind_of(run.record) != RunKind.SWEEP:
        yield Named(run, variant)
        return
    for trial in finished_trials(run):
        yield Named(trial, variant, run)


def trained_runs(store: Store, names: Sequence[str]) -> list[RunFiles]:
    """Finished runs by the beginning of their IDs; a sweep stands for its finished trials.

    UserError for one that has not finished or trained nothing, and for one that is named twice.
    """
    found: dict[str, RunFiles] = {}
    for name in names:
        run = RunFiles(store, store.find(name))
        is_sweep = kind_of(run.record) == RunKind.SWEEP
        for one in finished_trials(run) if is_sweep else [run]:
            if one.record.run_id in found:
                raise UserError("is named twice", where=one.where, cure="Name each run once.")
            check_finished(one)
            found[one.record.run_id] = one
    return list(found.values())


def finished_trials(sweep: RunFiles) -> list[RunFiles]:
    """Those that trained, in the order in which they did: what was taken over is there once. UserError for none."""
    found = of_finished(sweep.store.runs(parent_id=sweep.record.run_id))
    if not found:
        raise UserError("has no finished trial", where=sweep.where, cure="`encore sweep` goes on with it.")
    return [RunFiles(sweep.store, record) for record in found]


def unfinished_told(sweep: RunFiles) -> str | None:
    """How many of a sweep's trials did not finish, and why; none where all did."""
    below = sweep.store.runs(parent_id=sweep.record.run_id)
    trials = [record for record in below if kind_of(record) == RunKind.TRIAL]
    states = Counter(state_of(record) for record in trials if record.status != "FINISHED")
    if not states:
        return None
    why = ", ".join(f"{count} {state}" for state, count in states.most_common())
    return f"{sum(states.values())} of the {len(trials)} trials of {sweep.where} did not finish: {why}."


def sweeps_among(store: Store, names: Sequence[str]) -> list[RunFiles]:
    """Those of the runs named that are sweeps, each once."""
    found = {record.run_id: record for record in map(store.find, names)}
    return [RunFiles(store, record) for record in found.values() if kind_of(record) == RunKind.SWEEP]


def of_finished(below: Sequence[RunRecord]) -> list[RunRecord]:
    """Of the runs below a sweep's own. What was taken over from a run that is not among them is there."""
    trials = [record for record in below if kind_of(record) == RunKind.TRIAL and record.status == "FINISHED"]
    known = {record.run_id for record in trials}
    own = [record for record in trials if record.tags.get(REUSES_TAG) not in known]
    return sorted(own, key=lambda record: record.start_ms)


def named_run(store: Store, run_id: str) -> RunFiles:
    """A run that trained something, by the beginning of its ID."""
    run = RunFiles(store, store.find(run_id))
    check_is_one_run(run)
    return run


def check_seed(run: RunFiles) -> None:
    """UserError for a run whose record names no seed: nothing says then which run of its recipe it is."""
    if seed_of(run.record) is None:
        raise UserError(
            "has no seed in the store",
            where=run.where,
            cure="Leave out --of recipes to compare models, or train the recipe anew.",
        )


def check_variant(variant: str | None) -> None:
    """UserError for what is no variant of an export."""
    if variant is not None and variant not in BY_NAME:
        raise UserError(
            "is no variant of an export", where=variant, cure=f"Give one of {', '.join(BY_NAME)}."
        )
