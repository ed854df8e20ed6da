"""One session of a sweep: the run that is its parent, the search, and the time that it may take."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from errors import UserError
from sweeps.leases import owned
from sweeps.storage import StudyStorage, study_storage
from tracking.addresses import DATABASE_FILE, sqlite_uri, study_address
from tracking.endings import ended_in_store
from tracking.gone import GoneError

if TYPE_CHECKING:
    from sweeps.config import SearchConfig
    from sweeps.launchers.base import Launcher
    from sweeps.study import Drawn, Search
    from tracking.run_log import RunLog
    from tracking.store import Store

T = TypeVar("T")
R = TypeVar("R")
_PARENT = "parent_run"  # study attribute


def lock_of(sweep: SearchConfig, store: Store, storage: StudyStorage) -> Path:
    """The file that the one process holds which works on a sweep.

    It lies beside a database that is not in the store's own folder: another store may share it. A server's has no such
    place, so there the lock is this store's.
    """
    name = f"sweep-{sweep.name}.lock"
    if storage.file is None or storage.file.parent == store.root.resolve():
        return store.root / "journal" / name
    return storage.file.with_name(f".{storage.file.name}.{name}")


@contextmanager
def session(
    sweep: SearchConfig,
    store: Store,
    open_study: Callable[[StudyStorage, str], Search],
    start: Callable[[Search], RunLog],
) -> Generator[tuple[Search, RunLog]]:
    """The study and the sweep's own run, both held by this process alone until the block ends.

    open_study: given where studies are kept and what they remember of the store. start: opens the sweep's own run where
    there is none yet. What a dead process left running is queued again.
    """
    storage = study_storage(store.root, study_address())
    with owned(lock_of(sweep, store, storage), what=f"sweep {sweep.name}"):
        search = open_study(storage, place_of(store, storage))
        parent = _parent_run(search, store, lambda: start(search))
        with _finished(parent):
            search.requeue_lost()
            yield search, parent


def search_on(
    search: Search,
    deadline: Deadline,
    launcher: Launcher[T, R],
    trial_of: Callable[[Drawn], T],
    tell: Callable[[int, R], None],
) -> None:
    """Draw trials, run them and tell the study, until the budget or the time is used.

    What ends the session puts back the trials that are running: another session gets their values.
    """
    running: dict[int, Drawn] = {}
    started = 0
    try:
        while True:
            while len(running) < launcher.slots and search.goes_on(len(running)) and deadline.ahead(started):
                drawn = search.next_trial()
                running[drawn.number] = drawn
                launcher.start(drawn.number, trial_of(drawn))
                started += 1
            if not running:
                return
            number, result = launcher.next_ended()
            del running[number]
            tell(number, result)
    except BaseException:
        for drawn in running.values():
            search.requeue(drawn)
        raise


def place_of(store: Store, storage: StudyStorage) -> str:
    """What a study remembers of its store; the one beside it may move with its folder."""
    beside = storage.file is not None and storage.file.parent == store.root.resolve()
    return "local" if beside and store.uri == sqlite_uri(store.root / DATABASE_FILE) else store.uri


def _parent_run(search: Search, store: Store, start: Callable[[], RunLog]) -> RunLog:
    """The sweep's own run: that of the sessions before, or the one that `start` opens.

    UserError, the same in every session, when that of the sessions before is gone.
    """
    known = search.remembered(_PARENT, None)
    if known is not None:
        try:
            return store.attach(known, running=True, sampled=False)
        except GoneError as error:
            raise _begun_anew(search, error) from error
    parent = start()
    search.remember(_PARENT, parent.run_id)
    return parent


def _begun_anew(search: Search, error: GoneError) -> UserError:
    return UserError(
        f"{error.what} (it is the sweep's own)",
        where=search.where,
        cure=f"{error.cure} Or begin anew: with another seed"
        + (", or that file (of all sweeps) moved away." if search.storage.file else "."),
    )


@contextmanager
def _finished(parent: RunLog) -> Generator[None]:
    """The sweep's own run is FINISHED after the block, and does not stay RUNNING whatever ends it."""
    again = "the same command goes on with the sweep"
    reason = "interrupted; run the same sweep again to go on"
    with ended_in_store(parent, goes_on=lambda: again, reason=reason):
        yield
    parent.finish("FINISHED")


@dataclass(frozen=True)
class Deadline:
    """The minutes that a session may take; none: no limit. at_least_one: a first trial starts in any case."""

    minutes: float | None
    at_least_one: bool = False
    began: float = field(default_factory=time.monotonic)

    def ahead(self, started: int) -> bool:
        """Whether another trial may start in a session that has started so many."""
        if self.minutes is None or (self.at_least_one and not started):
            return True
        return time.monotonic() - self.began < 60 * self.minutes
