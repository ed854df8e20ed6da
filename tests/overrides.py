"""Settings of a test's small runs, and others in their place."""

from __future__ import annotations

from collections.abc import Iterable


def latest(overrides: Iterable[str]) -> list[str]:
    """KEY=VALUE, each key with the last of its values: on a command line a key is given once."""
    return [f"{key}={value}" for key, value in dict(item.split("=", 1) for item in overrides).items()]
