"""End a run in the store when it fails or is interrupted, with a line on how to continue it."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tracking.run_log import RunLog


@contextmanager
def ended_in_store(
    log: RunLog, *, goes_on: Callable[[], str], reason: str = "interrupted"
) -> Generator[None]:
    """End the run as KILLED or FAILED when the block raises, so that no run stays RUNNING.

    goes_on: how an interrupted run is continued, asked for then; "" where somebody else says it. reason: of an
    interrupted run, for its tag. The caller finishes a run that came to its end.
    """
    try:
        yield
    except KeyboardInterrupt as interrupt:
        log.finish("KILLED", reason=reason)
        raise KeyboardInterrupt(_sentence(log, interrupt, goes_on())) from interrupt
    except BaseException as error:
        log.finish("FAILED", reason=str(error) or type(error).__name__, traceback=traceback.format_exc())
        raise


def _sentence(log: RunLog, interrupt: KeyboardInterrupt, goes_on: str) -> str:
    """Of a run within another one, the inner run's sentence and how the outer one goes on."""
    inner = "; ".join(map(str, interrupt.args))
    if inner:
        return "; ".join(filter(None, [inner, goes_on]))
    return f"run {log.run_id[:8]} is KILLED in the store{f', {goes_on}' if goes_on else ''}"
