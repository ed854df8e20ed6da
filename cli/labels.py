"""`encore tag`, `note` and `rm`: what a person says of a run, and the bin, through MLflow's client."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from cli.session import OK, open_existing, outputs
from cli.tables import SHORT
from errors import UserError
from host.text import root_option
from runs.layout import BEST_RUN_TAG, FORKED_FROM_TAG, KIND_TAG, REPRODUCES_TAG, REUSES_TAG, RunKind, kind_of
from runs.lineage import ROLES
from tracking.entities import Keys
from tracking.faults import explained
from tracking.limits import MAX_TAG_CHARACTERS, check_names, cut_to
from tracking.notes import with_words
from tracking.redaction import redacted
from tracking.registered_models import CHAMPION, Registry
from tracking.tags import NOTE_TAG

if TYPE_CHECKING:
    from host.terminal import TerminalReporter
    from tracking.entities import RunRecord
    from tracking.store import Store

_OURS = ("encore.", "mlflow.")
_MOST = 5000  # characters of a tag's value
_LINKS = (FORKED_FROM_TAG, REPRODUCES_TAG, REUSES_TAG, BEST_RUN_TAG, *(role.tag for role in ROLES))
_LINK_KEYS, _NOTHING = Keys(tags=frozenset(_LINKS)), Keys(tags=frozenset({KIND_TAG}))


def tag_verb(run_id: str, given: str, root: Path) -> int:
    key, equals, value = given.partition("=")
    if not equals or not key:
        raise UserError("is no tag", where=repr(given[:80]), cure="Write KEY=VALUE, as in reviewed=yes.")
    if key.startswith(_OURS):
        raise UserError("is kept by the program itself", where=key[:80], cure="Choose another name.")
    if len(value) > _MOST:
        raise _too_long(value, key[:80])
    _set(run_id, key, lambda _: value, root, told=f"has the tag {key}")
    return OK


def note_verb(run_id: str, text: str, root: Path) -> int:
    if len(text) > _MOST:
        raise _too_long(text, "the description")
    if not text.strip():
        raise UserError("says nothing", where="the description", cure="Give some words.")
    _set(
        run_id,
        NOTE_TAG,
        lambda run: _noted(run, text),
        root,
        told="has this description in place of the one before, below its result",
    )
    return OK


def _noted(run: RunRecord, text: str) -> str:
    if run.status == "RUNNING":
        raise UserError(
            "is still going on, and writes its description when it ends",
            where=run.label,
            cure="Wait until it has ended; `encore tag` takes a word now.",
        )
    return with_words(text, run.tags.get(NOTE_TAG, ""))


def _too_long(text: str, where: str) -> UserError:
    return UserError(f"has {len(text):,} characters", where=where, cure=f"Give at most {_MOST:,}.")


def _set(run_id: str, key: str, value_of: Callable[[RunRecord], str], root: Path, *, told: str) -> None:
    """value_of: what the tag of a run is to hold."""
    try:
        check_names([key])
    except ValueError as error:
        raise UserError(str(error), where=repr(key[:80]), cure="Choose another name.") from error
    _, reporter = outputs()
    store = open_existing(root, reporter)
    run = store.find(run_id)
    value = cut_to(redacted(value_of(run)), MAX_TAG_CHARACTERS)
    with explained(store.uri):
        store.client.set_tag(run.run_id, key, value)
    reporter.say(f"{run.label} {told}.")


def rm_verb(run_ids: Sequence[str], root: Path, *, restore: bool, with_trials: bool) -> int:
    _, reporter = outputs()
    store = open_existing(root, reporter)
    runs = {run.run_id: run for run in (store.find(run_id, deleted=restore) for run_id in run_ids)}
    named = list(runs.values())
    for run in named:
        runs |= _below(store, run, runs, restore=restore, with_trials=with_trials)
    if not restore:
        _refuse_or_warn(store, runs, reporter)
    with explained(store.uri):
        for run_id in runs:
            (store.client.restore_run if restore else store.client.delete_run)(run_id)
    names = [run.run_id[:SHORT] for run in named]
    more = f" and {len(runs) - len(names)} under them" if len(runs) > len(names) else ""
    option = " --with-trials" if more else ""
    again = f"; `encore rm --restore {' '.join(names)}{option}{root_option(root)}` brings them back"
    reporter.say(
        f"{len(runs)} {'out of' if restore else 'in'} the bin: {', '.join(names)}{more}{'' if restore else again}"
    )
    return OK


def _below(
    store: Store, run: RunRecord, named: Mapping[str, RunRecord], *, restore: bool, with_trials: bool
) -> dict[str, RunRecord]:
    """The runs under a sweep. UserError where they were not asked for, by name or together."""
    if kind_of(run) != RunKind.SWEEP:
        return {}
    found = store.table(parent_id=run.run_id, deleted=restore).records(_NOTHING)
    unnamed = sum(child.run_id not in named for child in found)
    if unnamed and not with_trials:
        raise UserError(
            f"has {unnamed} {'other runs' if unnamed < len(found) else 'runs'} under it",
            where=run.label,
            cure="Add --with-trials for them, too.",
        )
    return {child.run_id: child for child in found}


def _refuse_or_warn(store: Store, runs: Mapping[str, RunRecord], reporter: TerminalReporter) -> None:
    """UserError for a run that is going on: its process could write no more."""
    going_on = next((run for run in runs.values() if run.status == "RUNNING"), None)
    if going_on is not None:
        raise UserError("is going on", where=going_on.label, cure="End it first.")
    for run in runs.values():
        if needed := _needed_by(store, run, set(runs)):
            reporter.say(f"warning: {run.label} is what {', '.join(needed)} go back to", "warning")
    for experiment in sorted({run.experiment for run in runs.values()}):
        champion = Registry(store, experiment).champion()
        if champion is not None and champion.run_id in runs:
            reporter.say(
                f"warning: {runs[champion.run_id].label} is the champion: MLflow serves it as "
                f"models:/{experiment}@{CHAMPION} until another run takes its place or `encore promote` names one",
                "warning",
            )


def _needed_by(store: Store, run: RunRecord, besides: set[str]) -> list[str]:
    """Forks, reproductions, students, sweeps and runs that begin with its model: all that name the run."""
    wanted = store.table().records(_LINK_KEYS)
    return [
        other.run_id[:SHORT]
        for other in wanted
        if other.run_id not in besides
        and any(other.tags.get(tag, "").partition("@")[0] == run.run_id for tag in _LINKS)
    ]
