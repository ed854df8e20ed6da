"""Which runs a run goes back to: its teacher, that whose model it began with, that it was forked from, and theirs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lightning_modules.settings import RUN
from runs.layout import (
    FIRST_KNOWS_TAG,
    FIRST_TAG,
    FORKED_FROM_TAG,
    TEACHER_KNOWS_TAG,
    TEACHER_PRINTS,
    TEACHER_TAG,
)
from tracking.gone import UnknownRunError

if TYPE_CHECKING:
    from tracking.entities import RunRecord
    from tracking.store import Store


@dataclass(frozen=True)
class Role:
    """What one run is to another.

    key: of the config, that names it; ahead: what stands there ahead of its ID. told: with its name behind it. called:
    in a sentence. tag, knows_tag: of the other run, its ID, and which of the scored rows it was trained on, in words.
    prints: how the names begin of the digests of its model.
    """

    key: str
    ahead: str
    told: str
    called: str
    tag: str
    knows_tag: str
    prints: str


TAUGHT_BY = Role(
    "train.teacher", "", "taught by", "the teacher", TEACHER_TAG, TEACHER_KNOWS_TAG, TEACHER_PRINTS
)
BEGUN_WITH = Role(
    "model.pretrained", RUN, "begins with", "the run that it begins with", FIRST_TAG, FIRST_KNOWS_TAG, ""
)
ROLES = (BEGUN_WITH, TAUGHT_BY)
"""Of the runs that a config names."""
_FORKED_FROM = Role("", "", "forked from", "the run that it was forked from", FORKED_FROM_TAG, "", "")


@dataclass(frozen=True)
class Ancestor:
    """depth: 0 of a parent, 1 of a parent's parent. run: none where the store has it no more. in_bin: it can be taken
    out again."""

    role: Role
    run_id: str
    depth: int
    run: RunRecord | None
    in_bin: bool = False


def ancestors(store: Store, record: RunRecord) -> list[Ancestor]:
    """Each parent with all before it, then the next; a run that several go back to is followed once."""
    return list(_above(store, record, 0, {record.run_id}))


def _above(store: Store, record: RunRecord, depth: int, followed: set[str]) -> Iterator[Ancestor]:
    for role in (*ROLES, _FORKED_FROM):
        run_id = record.tags.get(role.tag, "").partition("@")[0]  # a fork's has the step behind it
        if not run_id:
            continue
        found = parent_of(store, role, run_id, depth)
        yield found
        if found.run is not None and run_id not in followed:
            followed.add(run_id)
            yield from _above(store, found.run, depth + 1, followed)


def parent_of(store: Store, role: Role, run_id: str, depth: int = 0) -> Ancestor:
    """The run with this whole ID, be it in the bin."""
    for deleted in (False, True):
        try:
            return Ancestor(role, run_id, depth, store.find(run_id, deleted=deleted), in_bin=deleted)
        except UnknownRunError:
            continue
    return Ancestor(role, run_id, depth, None)
