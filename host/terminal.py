"""Bars with rate and remaining time, on stderr; a line now and then where stderr is no terminal."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

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
from host.progress import OnProgress, Style
from host.progress_lines import ProgressLines

if TYPE_CHECKING:
    from rich.console import Console

_RICH_STYLES: dict[Style, str] = {"plain": "", "faint": "dim", "warning": "yellow", "log": ""}
_ROOM_FOR_ALL_FIGURES = 110  # columns


class _Rate(ProgressColumn):
    """Units per second over the last seconds."""

    def render(self, task: Task) -> Text:
        speed = task.finished_speed or task.speed
        return Text("" if speed is None or task.total is None else f"{speed:,.1f}/s")


class _Count(MofNCompleteColumn):
    """`300/1200`; nothing where nobody can say how much there is."""

    def render(self, task: Task) -> Text:
        return Text("") if task.total is None else super().render(task)


class TerminalReporter:
    """Reports on a console: sentences above the bar, and one bar at a time, which clears itself away at its end."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self.said = set[str]()  # so that nobody reads a sentence twice

    def say(self, sentence: str, style: Style = "plain") -> None:
        if style == "warning" and sentence in self.said:
            return
        if style != "log" or not self.console.is_terminal:
            text = Text(visible(sentence), style=_RICH_STYLES[style])
            self.console.print(text, soft_wrap=True)
            self.said.add(sentence)

    @contextmanager
    def progress(self) -> Generator[OnProgress]:
        with self.bars() as bars:
            yield Latest(bars, narrow=self.console.width < _ROOM_FOR_ALL_FIGURES)

    def bars(self) -> Progress:
        """Bars on a terminal; elsewhere lines."""
        if not self.console.is_terminal:
            return ProgressLines(self.console)
        return Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=20),  # the one column that gives way on a narrow terminal
            _Count(table_column=Column(no_wrap=True)),
            _Rate(table_column=Column(no_wrap=True)),
            TimeRemainingColumn(table_column=Column(no_wrap=True)),
            TextColumn("{task.fields[figures]}", markup=False),
            console=self.console,
            transient=True,
        )


class Latest:
    """Of what is reported, the latest kind of work is the task that `bars` show.

    A kind that comes again goes on where it was; with less of it done than before it begins anew.
    narrow: there is room for the first figure alone.
    """

    def __init__(self, bars: Progress, *, narrow: bool) -> None:
        self.bars = bars
        self.narrow = narrow
        self.tasks: dict[str, Task] = {}
        self._shown = ""

    def __call__(self, what: str, done: int, total: int, figures: Sequence[str] = ()) -> None:
        self._show(what, done, total or None)
        task = self.tasks[what].id
        if figures:
            self.bars.update(task, figures="  ".join(figures[:1] if self.narrow else figures))
        self.bars.update(task, completed=done, total=total or None)

    def _show(self, what: str, done: int, total: int | None) -> None:
        if what not in self.tasks:
            # What was done before, as by a run that is resumed, is no part of the rate.
            added = self.bars.add_task(what, total=total, completed=done, figures="")
            self.tasks[what] = next(task for task in self.bars.tasks if task.id == added)
        elif done < self.tasks[what].completed:
            self.bars.reset(self.tasks[what].id, total=total, completed=done, figures="")
        if what != self._shown:
            if self._shown:
                self.bars.update(self.tasks[self._shown].id, visible=False)
            self.bars.update(self.tasks[what].id, visible=True)
            self._shown = what
