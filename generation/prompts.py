"""Whether a tokenizer reads all of a prompt; without transformers, so that a server can ask."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate


def unread(
    prompt: str, ids: Sequence[int], spans: Sequence[tuple[int, int]], *, unknown: int | None
) -> str | None:
    """The first part of a prompt that no token stands for; none where all of it is read.

    A tokenizer leaves out what it has no token for, or puts its token for unknown pieces there. spans: from which
    character to which each token reads.
    """
    reached = [0, *accumulate((end for _, end in spans), max)]
    gaps = [(done, begin) for done, (begin, _) in zip(reached, spans, strict=False) if begin > done]
    gaps += [span for token, span in zip(ids, spans, strict=True) if token == unknown]
    gaps += [(reached[-1], len(prompt))]
    return next((prompt[begin:end].strip() for begin, end in gaps if prompt[begin:end].strip()), None)
