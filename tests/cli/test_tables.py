from __future__ import annotations

import io

import pytest
from rich.console import Console

from cli.story_tables import print_story
from cli.tables import fitted

ROWS = [
    {"run": "12345678", "name": "an experiment with a name of some length", "status": "[green]finished[/]",
     "test": "92.50 %", "gate": "passed"},
    {"run": "abcdef01", "name": "short", "status": "[red]failed[/]", "test": "", "gate": ""},
]  # fmt: skip


@pytest.mark.parametrize("width", [70, 80, 120, 200])
def test_a_table_fits_the_terminal_and_keeps_what_counts_whole(width: int) -> None:
    console = Console(file=io.StringIO(), width=width)
    console.print(fitted(console, ROWS, spare=["gate"]))
    assert isinstance(console.file, io.StringIO)
    text = console.file.getvalue()
    assert max(len(line) for line in text.splitlines()) <= width
    for whole in ("12345678", "finished", "failed", "92.50 %"):
        assert whole in text
    assert "…" not in text
    assert ("passed" in text) == (width > 70)


def test_a_story_in_a_file_is_what_was_written() -> None:
    story = "Tom ran [home] :heart: and " + "ran " * 60 + "home.  \n\nThe end."
    console = Console(file=io.StringIO(), width=40)
    print_story(console, "Tom", story, ended=True)
    assert isinstance(console.file, io.StringIO)
    assert console.file.getvalue() == f"{story}\n\n"
