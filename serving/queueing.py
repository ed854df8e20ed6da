"""What a bounded queue tells those that it cannot take."""

from __future__ import annotations

import math

SMOOTHING = 0.05  # of a measured rate, by each call
_LONGEST_RETRY_S = 60


class FullError(Exception):
    """The queue has no room now. retry_s: whole seconds until it should have."""

    def __init__(self, retry_s: int) -> None:
        super().__init__("the queue is full")
        self.retry_s = retry_s


class ExpiredError(Exception):
    """A request waited for its turn, or took, longer than it may."""


class ClosedError(Exception):
    """The server ends and takes nothing more."""


def retry_s(queued_tokens: int, tokens_per_s: float) -> int:
    """Whole seconds until what is queued is computed."""
    return min(_LONGEST_RETRY_S, max(1, math.ceil(queued_tokens / tokens_per_s)))
