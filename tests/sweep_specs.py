"""Sweeps over trainings, as the command line would have them."""

from __future__ import annotations

from collections.abc import Sequence

from sweeps.config import SweepConfig
from sweeps.loading import load_search


def load_sweep(name: str, overrides: Sequence[str] = ()) -> tuple[SweepConfig, list[str]]:
    """`load_search` of a sweep over trainings."""
    sweep, rest = load_search(name, overrides)
    assert isinstance(sweep, SweepConfig)
    return sweep, rest
