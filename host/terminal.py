"""Bars with rate and remaining time, on stderr; a line now and then where stderr is no terminal."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TextColumn,
    TimeRemainingColumn,
)
from rich.table import Column
from rich.text import Text

from errors import visible
from host.progress import OnProgress, silent
from host.progress_lines import ProgressLines

if TYPE_CHECKING:
    from rich.console import Console


class _Rate(ProgressColumn):
    """Units per second over the last seconds."""

    def render(self, task: Task) -> Text:
        speed = task.finished_speed or task.speed
        return Text("" if speed is None or task.total is None else f"{speed:,.1f}/s")


def warned(console: Console | None) -> Callable[[str], None]:
    """A function that prints a sentence on `console`, above a bar if there is one."""

    def say(sentence: str) -> None:
        if console is not None:
            console.print(Text(visible(sentence), style="yellow"), soft_wrap=True)

    return say


def new_progress(console: Console, *more: ProgressColumn) -> Progress:
    """Columns that every bar here has, then `more`; it clears itself away at its end. Without a terminal, lines."""
    if not console.is_terminal:
        return ProgressLines(console)
    return Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=20),  # the one column that gives way on a narrow terminal
        MofNCompleteColumn(table_column=Column(no_wrap=True)),
        _Rate(table_column=Column(no_wrap=True)),
        TimeRemainingColumn(table_column=Column(no_wrap=True)),
        *more,
        console=console,
        transient=True,
    )


@contextmanager
def reported(console: Console | None) -> Generator[OnProgress]:
    """A function to report to; the bar or the lines that it drives show the latest kind of work."""
    if console is None:
        yield silent
        return
    shown: dict[str, Any] = {}
    with new_progress(console) as progress:

        def report(what: str, done: int, total: int) -> None:
            if what not in shown:
                for task in shown.values():
                    progress.update(task, visible=False)
                shown[what] = progress.add_task(what, total=total or None)
            progress.update(shown[what], completed=done, total=total or None)

        yield report


@contextmanager
def working(console: Console | None, what: str) -> Generator[None]:
    """Something is seen to go on meanwhile, of which nobody can say how much there is."""
    if console is None:
        yield
    elif console.is_terminal:
        with console.status(what):
            yield
    else:
        with new_progress(console) as progress:
            progress.add_task(what, total=None)
            yield
