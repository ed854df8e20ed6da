"""One pass over the texts of a split: a digest of each, and how many are odd."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from datamodules.holdout import text_digests
from datamodules.oddities import has_row

_AT_ONCE = 2000


@dataclass(frozen=True)
class Texts:
    """What the pass found.

    digests: (N,) uint64, equal where two normalized texts are. row_like: texts that hold what looks like rows, and
    first_row_like the first of them, -1 for none. with_special: how many texts hold a special token in letters, by it.
    """

    digests: NDArray[np.uint64]
    row_like: int
    first_row_like: int
    with_special: Mapping[str, int]


def look_at(
    texts: Sequence[str],
    *,
    special: Sequence[str],
    pattern: re.Pattern[str],
    on_progress: Callable[[int], None],
) -> Texts:
    """on_progress: told how many texts are done."""
    digests = np.empty(len(texts), dtype=np.uint64)
    odd: list[int] = []
    counts = dict.fromkeys(special, 0)
    for begin in range(0, len(texts), _AT_ONCE):
        some = texts[begin : begin + _AT_ONCE]
        digests[begin : begin + len(some)] = text_digests(some, len(some))
        odd.extend(begin + row for row, text in enumerate(some) if has_row(text, pattern))
        for token in special:
            counts[token] += sum(token in text for text in some)
        on_progress(begin + len(some))
    return Texts(digests, len(odd), odd[0] if odd else -1, {token: n for token, n in counts.items() if n})
