"""What a sweep asks of whatever runs its trials."""

from __future__ import annotations

from typing import Protocol, TypeVar

T = TypeVar("T", contravariant=True)
R = TypeVar("R", covariant=True)


class Launcher(Protocol[T, R]):
    """Runs trials, several side by side or one after the other.

    A trial goes in and its result comes out as plain data, so that either may cross to another process or machine.
    """

    @property
    def slots(self) -> int:
        """How many trials may be running."""
        ...

    def start(self, number: int, trial: T) -> None:
        """Set trial `number` going; there is a slot for it."""
        ...

    def next_ended(self) -> tuple[int, R]:
        """Wait for a trial that ends: its number and its result. Raises what would stop the next one too."""
        ...
