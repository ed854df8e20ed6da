"""What is asked of a server at most: every number that bounds a request, the queue or a connection."""

from __future__ import annotations

from dataclasses import dataclass

MOST_TEXTS = 64
MOST_STORIES = 8  # of a request, and written side by side
MOST_STOPS = 4
LONGEST_STOP = 100  # characters
LONGEST_STORY_S = 300.0
MOST_CHARACTERS = 20_000  # of a text
LARGEST_BODY = 2**20  # bytes
MOST_HEADER_BYTES = 16 * 2**10
BODY_WITHIN_S = 10.0
HEADERS_WITHIN_S = 10.0
IDLE_S = 75.0  # of a connection that is kept
_QUEUED_TOKENS = 8192
_ROWS_TOGETHER = 16


@dataclass(frozen=True)
class Limits:
    """queued_tokens: of all that was accepted and is not answered. deadline_s: a request that waited so long for its
    turn is not computed. rows_together: texts in one call of the model; 1 where a variant's answers depend on company.
    """

    queued_tokens: int
    deadline_s: float
    rows_together: int

    @classmethod
    def of_texts(cls, *, max_tokens: int, batch_invariant: bool, deadline_s: float = 30.0) -> Limits:
        """One request of the most texts always fits, into an empty queue. Those of one call have equal lengths."""
        return cls(
            max(_QUEUED_TOKENS, MOST_TEXTS * max_tokens), deadline_s, _ROWS_TOGETHER if batch_invariant else 1
        )

    @classmethod
    def of_stories(cls, *, context_tokens: int, batch_invariant: bool, deadline_s: float = 30.0) -> Limits:
        """As many again may wait as are written, of the longest."""
        most = 2 * MOST_STORIES * (context_tokens + 1)
        return cls(max(_QUEUED_TOKENS, most), deadline_s, MOST_STORIES if batch_invariant else 1)
