"""The runs that a new run depends on: found, checked, and what of its scored rows they were trained on."""

from __future__ import annotations

import math
from collections.abc import Generator, Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

import numpy as np

from errors import UserError
from experiments.parents import Parent, Parents
from experiments.training.inputs import recorded_config, row_checksums
from host.progress import Reporter
from host.text import root_option
from lightning_modules.settings import RUN, TEACHER
from runs.checks import check_has_model
from runs.data_record import recorded_data
from runs.files import RunFiles, run_named
from runs.kept_files import checked_model
from runs.lineage import Role, ancestors
from runs.seals import check_record

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from datamodules.tokenized import SplitName, TokenizedData
    from experiments.config import ExperimentConfig
    from experiments.training.recipe import PreparedRun
    from tracking.store import Store

_CHANCE = 0.001


def parents_of(config: ExperimentConfig, store: Store) -> Parents:
    """The runs `train.teacher` and `model.pretrained=run:ID`, whole and as they were recorded, where they are named.

    UserError for one that this store has not, that has no model, or that does not fit the task or the kind of model.
    """
    taught, begun = config.train.teacher, config.model.pretrained_run
    if taught is not None and config.task.writes:
        raise UserError(
            f"a model of kind {config.model.kind!r} takes no teacher: logits to every token are too many to keep",
            where=f"train.teacher={taught[:40]}",
            cure="Leave train.teacher out.",
        )
    teacher = None if taught is None else _parent(store, taught, f"train.teacher={taught[:40]}", config)
    first = None if begun is None else _parent(store, begun, f"model.pretrained={RUN}{begun[:40]}", config)
    found = Parents(teacher, first)
    if (parent := found.whose_model(config)) is not None:
        _check_kind(parent, config)
    return found


def _parent(store: Store, asked: str, key: str, config: ExperimentConfig) -> Parent:
    """key: as which it is named: what is wrong with the run is wrong with it."""
    with _named(key):
        run = _found(store, asked)
        check_has_model(run)
        check_record(run)
        theirs, data = recorded_config(run), recorded_data(run)
        if theirs.task is not config.task:
            raise UserError(
                f"its task is {theirs.task.name}, and that of this experiment {config.task.name}",
                where=run.where,
                cure="Name a run of the same task; `encore runs` lists them.",
            )
        return Parent(run, theirs, checked_model(run), data.summary.label_names if data else ())


@contextmanager
def _named(key: str) -> Generator[None]:
    try:
        yield
    except UserError as error:
        raise UserError(error.what, where=f"{key}: {error.where}", cure=error.cure) from error


def _found(store: Store, asked: str) -> RunFiles:
    try:
        return run_named(store, asked)
    except UserError as error:
        raise UserError(error.what, where=error.where, cure=_elsewhere(store, asked, error.cure)) from error


def _elsewhere(store: Store, asked: str, cure: str) -> str:
    """What helps where a store has no such run: it may be in its bin, or another store's."""
    try:
        run_id = store.find(asked, deleted=True).run_id
    except UserError:
        return f"{cure} It has to be a run of the same store (--root)."
    restore = f"encore rm --restore {run_id[:8]}{root_option(store.root)}"
    return f"It is in the bin: `{restore}` takes it out."


def _check_kind(parent: Parent, config: ExperimentConfig) -> None:
    if parent.config.model.kind != config.model.kind:
        named = TEACHER if config.model.pretrained == TEACHER else f"{RUN}{parent.run_id[:8]}"
        raise UserError(
            f"its model is of kind {parent.config.model.kind!r}, and model.kind is {config.model.kind!r}",
            where=f"model.pretrained={named}: {parent.run.where}",
            cure="Name a run of the same kind of model.",
        )


def parent_tags(prepared: PreparedRun, reporter: Reporter) -> dict[str, str]:
    """The ID of each parent, and which scored rows it was trained on, which is reported."""
    tags: dict[str, str] = {}
    for role, parent in prepared.parts.parents.by_role().items():
        tags[role.tag] = parent.run_id
        known = rows_that_it_knows(parent, prepared.parts.data)
        if known:
            tags[role.knows_tag] = known
            reporter.say(_flattered(role, known), "warning")
    return tags


def _flattered(role: Role, known: str) -> str:
    return f"{role.called} was trained on {known}: their scores flatter this run"


def rows_that_it_knows(parent: Parent, data: TokenizedData) -> str:
    """In words, the scored rows that a parent, or a run that it goes back to, was trained on and the new run is not;
    empty where there are none.

    Their scores flatter the new run: what it learns from has seen their labels. Of runs before the parent whose record
    is not whole any more, nothing is known. Rows are told apart by 32 bits, so of many some are alike by chance: as few
    as that may be are not told.
    """
    theirs = np.concatenate([row_checksums(parent.run, "train"), *_trained_before(parent.run)])
    own = data.rows["train"].checksums
    found: list[str] = []
    scored: tuple[tuple[SplitName, str], ...] = (("val", "held-out"), ("test", "official"))
    for split, called in scored:
        rows = data.rows[split].checksums
        known = int((np.isin(rows, theirs) & ~np.isin(rows, own)).sum())
        if not _by_chance(known, len(rows), len(theirs)):
            found.append(f"{known:,} of the {len(rows):,} {called} rows")
    return " and ".join(found)


def _trained_before(run: RunFiles) -> Iterator[NDArray[np.unsignedinteger[Any]]]:
    """Of each run that `run` goes back to, the checksums of its train rows."""
    for found in ancestors(run.store, run.record):
        if found.run is not None:
            with suppress(UserError):  # nothing else is needed of it: the parent's model folder is whole
                yield row_checksums(RunFiles(run.store, found.run), "train")


def _by_chance(known: int, rows: int, theirs: int) -> bool:
    """Whether so many of `rows` may well be among `theirs` without being there: more than once in a thousand times.

    Poisson's distribution, of as many as checksums of 32 bits meet on average.
    """
    mean = rows * theirs / 2**32
    fewer = sum(mean**count / math.factorial(count) for count in range(min(known, 100)))
    return 1 - math.exp(-mean) * fewer > _CHANCE
