"""Waiting for an answer as long as the client listens, and what it is told when there is none."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from fastapi import Request

from serving.problems import ProblemAnswer, RefusedError, fault, gone
from serving.queueing import ClosedError, ExpiredError, FullError

_LOG = logging.getLogger("encore.serving")
PROBLEMS: dict[int | str, dict[str, Any]] = {
    status: {"model": ProblemAnswer} for status in (400, 401, 403, 408, 413, 415, 421, 422, 429, 503)
}
"""Of a route that computes."""
Found = TypeVar("Found")


async def while_listened(request: Request, work: Awaitable[Found]) -> Found:
    """What `work` comes to; it is given up as soon as the client has gone. RefusedError where it comes to nothing."""
    asking = asyncio.current_task()
    assert asking is not None
    leaving = asyncio.ensure_future(_gone(request.receive))
    waiting = True

    def left(_: object) -> None:
        if waiting:
            asking.cancel()

    leaving.add_done_callback(left)
    try:
        return await work
    except asyncio.CancelledError:
        if not leaving.done():
            raise  # of somebody else's
        asking.uncancel()
        raise gone() from None
    except Exception as error:
        raise refused(error) from error
    finally:
        waiting = False
        leaving.cancel()


async def _gone(receive: Callable[[], Awaitable[Any]]) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def refused(error: BaseException) -> RefusedError:
    """What the client is told of what kept its request from being answered; a fault of the server's own is logged."""
    match error:
        case RefusedError():
            return error
        case FullError():
            return RefusedError(
                429,
                "busy",
                "the queue is full",
                cure=f"Ask again in {error.retry_s} s.",
                headers={"retry-after": str(error.retry_s)},
            )
        case ExpiredError():
            return RefusedError(503, "expired", "its turn did not come in time", cure="Ask again later.")
        case ClosedError():
            return RefusedError(503, "ending", "the server ends", cure="Ask another one.")
        case _:
            _LOG.error("%s in a model's thread", type(error).__name__)
            return fault()
