"""Whom long work tells how far it is."""

from __future__ import annotations

from collections.abc import Callable

# What is being done, how much of it is done, how much there is (0 where nobody can say).
OnProgress = Callable[[str, int, int], None]


def silent(_what: str, _done: int, _total: int) -> None:
    """Report to nobody."""
