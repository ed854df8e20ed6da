"""The Pareto front of accuracy, size and latency."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Candidate:
    """One model in the comparison: accuracy (higher is better), size in MiB and latency in ms (lower is)."""

    name: str
    accuracy: float
    size_mib: float
    latency_ms: float


def on_front(candidates: Sequence[Candidate]) -> list[bool]:
    """For each candidate, whether no other is at least as good in all three figures and better in one.

    Equal candidates stand or fall together. The figures are finite; a NaN would compare as neither.
    """
    return [not any(_dominates(other, candidate) for other in candidates) for candidate in candidates]


def _dominates(one: Candidate, other: Candidate) -> bool:
    ours = (one.accuracy, -one.size_mib, -one.latency_ms)
    theirs = (other.accuracy, -other.size_mib, -other.latency_ms)
    return ours != theirs and all(mine >= its for mine, its in zip(ours, theirs, strict=True))
