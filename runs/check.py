"""One thing of a run, recomputed."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Check:
    """One thing recomputed: what, from which file, whether it holds, and in words what was recorded and found."""

    what: str
    file: str
    holds: bool
    recorded: str
    found: str
