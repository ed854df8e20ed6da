"""Seeded draws that come out the same on every Python and platform.

`random.Random` promises to keep only the sequence of `random()` for a seed; `choice`, `sample` and
`shuffle` have changed between releases (https://docs.python.org/3/library/random.html, "Notes on
Reproducibility"). So every draw here is made of `random()` alone.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Mapping, Sequence
from typing import TypeVar

from errors import UserError

T = TypeVar("T")


class Draw:
    """A stream of draws, a pure function of its key and its seed."""

    def __init__(self, key: str, seed: int) -> None:
        # A digest, because Random(-1) and Random(1) are the same stream and two corpora must not share one.
        digest = hashlib.sha256(f"{key}/{seed}".encode()).digest()
        self._random = random.Random(int.from_bytes(digest, "big"))  # noqa: S311  not for secrets

    def below(self, bound: int) -> int:
        """A whole number from 0 to `bound` - 1."""
        return int(self._random.random() * bound)

    def chance(self, probability: float) -> bool:
        return self._random.random() < probability

    def pick(self, items: Sequence[T]) -> T:
        return items[self.below(len(items))]

    def several(self, items: Sequence[T], count: int) -> list[T]:
        """`count` different items, in drawn order."""
        left = list(items)
        return [left.pop(self.below(len(left))) for _ in range(count)]


def check_sizes(sizes: Mapping[str, int]) -> None:
    for split, size in sizes.items():
        if size < 0:
            raise UserError(
                f"split '{split}' is to have {size} rows",
                where="bundled corpus",
                cure="Give a size of 0 or more.",
            )
