"""One sitting of a sweep: the run that is its parent, and the time it may take."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from errors import UserError
from tracking.addresses import DATABASE_FILE, sqlite_uri
from tracking.gone import GoneError

if TYPE_CHECKING:
    from sweeps.study import Search
    from tracking.run_log import RunLog
    from tracking.store import Store

_PARENT = "parent_run"  # study attribute


def place_of(store: Store) -> str:
    """What a study remembers of its store; the one beside it may move with its folder."""
    return "local" if store.uri == sqlite_uri(store.root / DATABASE_FILE) else store.uri


def parent_run(search: Search, store: Store, start: Callable[[], RunLog]) -> RunLog:
    """The sweep's own run: that of the sittings before, or the one that `start` opens.

    UserError, the same at every sitting, when that of the sittings before is gone.
    """
    known = search.remembered(_PARENT, None)
    if known is not None:
        try:
            return store.attach(known, running=True)
        except GoneError as error:
            raise _begun_anew(search, error) from error
    parent = start()
    search.remember(_PARENT, parent.run_id)
    return parent


def _begun_anew(search: Search, error: GoneError) -> UserError:
    return UserError(
        f"{error.what} (it is the sweep's own)",
        where=search.where,
        cure=f"{error.cure} Or begin anew: another seed, or that file (of all sweeps) moved away.",
    )


@contextmanager
def ended(parent: RunLog) -> Generator[None]:
    """The parent run does not stay RUNNING, whatever ends the sitting."""
    try:
        yield
    except KeyboardInterrupt as interrupt:
        parent.finish("KILLED", reason="interrupted; run the same sweep again to go on")
        told = "; ".join([*map(str, interrupt.args), "the same command goes on with the sweep"])
        raise KeyboardInterrupt(told) from interrupt
    except BaseException as error:
        parent.finish("FAILED", reason=str(error) or type(error).__name__)
        raise
    parent.finish("FINISHED")


@dataclass(frozen=True)
class Deadline:
    """The minutes that a sitting may take; none: no limit."""

    minutes: float | None
    began: float = field(default_factory=time.monotonic)

    def ahead(self) -> bool:
        return self.minutes is None or time.monotonic() - self.began < 60 * self.minutes
