"""Progress where nobody looks at a bar: a line now and then, as a log, a pipe or a batch system keeps it."""

from __future__ import annotations

from threading import Event, Thread
from typing import TYPE_CHECKING, Any

from rich.progress import Progress, Task
from rich.text import Text

if TYPE_CHECKING:
    from rich.console import Console

FIRST_S = 10.0  # what is over sooner says nothing
BETWEEN_S = 30.0
_LOOK_S = 1.0


class ProgressLines(Progress):
    """Says of the latest task, once it has lasted, what it is, how much of it is done, how fast, and how long yet.

    A thread of its own looks at the clock, so that work that reports nothing for minutes is heard of, too.
    """

    def __init__(self, console: Console, **options: Any) -> None:
        super().__init__(console=console, disable=True, **options)
        self._due: dict[int, float] = {}
        self._ended = Event()
        self._thread: Thread | None = None

    def start(self) -> None:
        """Begin to look at the clock."""
        self._thread = Thread(target=self._watch, name="progress", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """No line comes after this."""
        self._ended.set()
        if self._thread is not None:
            self._thread.join()

    def _watch(self) -> None:
        while not self._ended.wait(_LOOK_S):
            self.say_what_is_due()

    def say_what_is_due(self) -> None:
        """One line, if the latest task has lasted long enough, or long enough since its last one."""
        task = next((task for task in reversed(self.tasks) if task.visible), None)
        if task is None or task.finished or task.start_time is None:
            return
        now = self.get_time()
        if now >= max(self._due.get(task.id, 0.0), task.start_time + FIRST_S):
            self._due[task.id] = now + BETWEEN_S
            self.console.print(Text(line_of(task)), soft_wrap=True)


def line_of(task: Task) -> str:
    """`tokenizing: 12,000 of 67,349, 1,234.5/s, 0m 45s to go`; without a total, how long it has been going on."""
    if task.total is None:
        return f"{task.description}: for {_duration(task.elapsed or 0.0)}"
    parts = [f"{int(task.completed):,} of {int(task.total):,}"]
    if task.speed:
        parts.append(f"{task.speed:,.1f}/s")
    if task.time_remaining is not None:
        parts.append(f"{_duration(task.time_remaining)} to go")
    figures = task.fields.get("figures")
    return f"{task.description}: {', '.join([*parts, figures] if figures else parts)}"


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}h {minutes:02d}m" if hours else f"{minutes}m {rest:02d}s"
