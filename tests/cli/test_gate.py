"""How the gate of an export is told."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from cli.sweep_tables import print_sweep
from cli.tables import print_gate
from sweeps.report import SweepReport, TrialRow


def shown(failures: tuple[str, ...], metrics: dict[str, float]) -> str:
    console = Console(file=io.StringIO(), width=120)
    print_gate(console, failures, metrics)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


@pytest.mark.parametrize(
    ("failures", "p", "line"),
    [
        ((), 0.003, "gate proved: INT8 loses less than its limit (p = 0.003)\n"),
        ((), 0.13,
         "gate held, not proved: INT8 keeps to its limit on these rows, too few to prove it (p = 0.13)\n"),
        (("INT8 [lost] much.",), 0.9, "gate failed: INT8 [lost] much.\n"),
    ],
)  # fmt: skip
def test_after_a_run_the_gate_is_a_line(failures: tuple[str, ...], p: float, line: str) -> None:
    assert shown(failures, {"export/int8/limit_p_value": p}) == line


def test_an_export_of_an_earlier_version_has_none() -> None:
    assert shown((), {"export/int8/accuracy": 0.9}) == ""


def test_a_sweep_shows_the_gate_of_every_trial() -> None:
    gates = [("passed", "held, not proved"), ("passed", None), ("INT8 accuracy is 3 points below.", "failed")]
    rows = tuple(
        TrialRow(k, "search", f"{k:032x}", "FINISHED", {}, {"best/val/accuracy": 0.9}, gate, verdict)
        for k, (gate, verdict) in enumerate(gates)
    )
    console = Console(file=io.StringIO(), width=120)
    print_sweep(console, SweepReport("demo", "0" * 32, "best/val/accuracy", rows, None, {}, {}, ()))
    assert isinstance(console.file, io.StringIO)
    lines = console.file.getvalue().splitlines()[-3:]
    assert [line.split("%")[1].strip() for line in lines] == ["held, not proved", "passed", "failed"]


def test_a_note_that_stands_above_on_the_terminal_is_not_printed_again() -> None:
    notes = ("16-mixed left out: a CPU cannot train in it.", "trial 3 failed: boom.")
    console = Console(file=io.StringIO(), width=120)
    assert isinstance(console.file, io.StringIO)
    report = SweepReport("demo", "0" * 32, "best/val/accuracy", (), None, {}, {}, notes)
    print_sweep(console, report, said={f"note: {notes[0]}"})
    assert "16-mixed" not in console.file.getvalue()
    assert "note: trial 3 failed: boom." in console.file.getvalue()
    print_sweep(console, report)
    assert "note: 16-mixed left out" in console.file.getvalue()
