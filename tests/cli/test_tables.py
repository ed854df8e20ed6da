from __future__ import annotations

import io

import pytest
from rich.console import Console

from cli.story_tables import print_story
from cli.tables import fitted, print_runs, print_trial
from experiments.result import RunResult
from tracking.records import RunRecord

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


@pytest.mark.parametrize(
    ("metrics", "trial", "cells"),
    [
        ({"best/val/accuracy": 0.9, "best/val/loss": 0.3, "test/accuracy": 0.875, "export/int8/accuracy": 0.85},
         "held-out 90.00 %", ["90.00 %", "87.50 %", "85.00 %"]),
        ({"best/val/bits_per_byte": 0.756, "best/val/loss": 2.07, "test/bits_per_byte": 0.749, "test/loss": 2.05,
          "export/int8/loss": 2.052, "export/int8/loss_increase": 0.0019},
         "held-out 0.7560 bits per byte", ["0.7560", "0.7490", "+0.0019"]),
    ],
)  # fmt: skip
def test_runs_are_shown_by_the_score_that_selects_them(
    metrics: dict[str, float], trial: str, cells: list[str]
) -> None:
    console = Console(file=io.StringIO(), width=200)
    assert isinstance(console.file, io.StringIO)
    print_trial(console, RunResult("0123456789", "a run", "finished", 5, metrics, {"training": 5.0}))
    assert trial in console.file.getvalue()
    record = RunRecord("0123456789", "a run", "demo", "FINISHED", {}, metrics, {}, 0, 1, None, "")
    print_runs(console, [record], filtered=False)
    row = next(line for line in console.file.getvalue().splitlines() if "│" in line)
    assert [cell.strip() for cell in row.split("│")][6:9] == cells
