"""How a run ends that does not end well: the store and the user are told."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tracking.run_log import RunLog


@contextmanager
def ended_in_the_record(log: RunLog, *, cure: Callable[[], str]) -> Generator[None]:
    """Whatever ends the run, the store says so: no run stays RUNNING.

    cure: how an interrupted run is resumed, asked for then; "" where somebody else says it.
    """
    try:
        yield
    except KeyboardInterrupt as interrupt:
        log.finish("KILLED", reason="interrupted")
        told_cure = cure()
        told = f"run {log.run_id[:8]} is KILLED in the store{f', {told_cure}' if told_cure else ''}"
        raise KeyboardInterrupt(told) from interrupt
    except BaseException as error:
        log.finish("FAILED", reason=str(error) or type(error).__name__, traceback=traceback.format_exc())
        raise
