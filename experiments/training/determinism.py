"""Which operations of a run have no deterministic version."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Any

import torch

# As torch words it where `use_deterministic_algorithms(True, warn_only=True)` holds.
_MESSAGES = (
    re.compile(r"(?P<name>.+?) does not have a deterministic implementation"),
    re.compile(r"(?P<name>.+?) defaults to a non-deterministic algorithm"),
    re.compile(r"Deterministic behavior was enabled .* it uses (?P<name>CuBLAS)", re.DOTALL),
)


@contextmanager
def nondeterministic_operations(on_new: Callable[[str], None]) -> Generator[None]:
    """Calls `on_new` once with the name of each operation that torch warns of meanwhile; other warnings pass."""
    found: set[str] = set()
    always = torch.is_warn_always_enabled()
    with warnings.catch_warnings():
        for message in _MESSAGES:
            warnings.filterwarnings("always", message=message.pattern)
        show = warnings.showwarning

        def note(message: Warning | str, *arguments: Any, **named: Any) -> None:
            name = operation_named(str(message))
            if name is None:
                show(message, *arguments, **named)
            elif name not in found:
                found.add(name)
                on_new(name)

        warnings.showwarning = note
        torch.set_warn_always(
            True
        )  # torch warns of some once in a process, and this run may not be its first
        try:
            yield
        finally:
            torch.set_warn_always(always)


def operation_named(message: str) -> str | None:
    """The operation that a warning of torch's is about; none where it is about something else."""
    matches = (pattern.match(message) for pattern in _MESSAGES)
    return next((match["name"] for match in matches if match), None)
