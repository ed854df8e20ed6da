"""Asking something outside, and not for ever."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TypeVar

Answer = TypeVar("Answer")


def answer_within(seconds: float, ask: Callable[[], Answer]) -> Answer | None:
    """What `ask` returns or raises; None when it does neither in that time. It then continues unobserved."""
    heard: list[Answer] = []
    raised: list[BaseException] = []

    def asking() -> None:
        try:
            heard.append(ask())
        except BaseException as error:  # noqa: BLE001 raised again below, on the thread that waits
            raised.append(error)

    thread = threading.Thread(target=asking, daemon=True)
    thread.start()
    thread.join(seconds)
    if raised:
        raise raised[0]
    return heard[0] if heard else None
