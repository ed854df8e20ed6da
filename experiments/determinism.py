"""Which operations of a run have no deterministic version."""

from __future__ import annotations

import re
import warnings
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

# As torch words it where `use_deterministic_algorithms(True, warn_only=True)` holds.
_MESSAGE = re.compile(r"(\S+) does not have a deterministic implementation")
NONDETERMINISTIC = "nondeterministic"  # under which a run's tags and a certificate name them


@contextmanager
def nondeterministic_operations() -> Generator[set[str]]:
    """The names of the operations that torch warns of meanwhile; other warnings pass."""
    found: set[str] = set()
    with warnings.catch_warnings():
        warnings.filterwarnings("always", message=f".*{_MESSAGE.pattern}")
        show = warnings.showwarning

        def note(message: Warning | str, *arguments: Any, **named: Any) -> None:
            match = _MESSAGE.match(str(message))
            if match:
                found.add(match[1])
            else:
                show(message, *arguments, **named)

        warnings.showwarning = note
        yield found
