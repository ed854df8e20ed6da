"""How the gate of an export is told."""

from __future__ import annotations

import io
from pathlib import Path

import pandas as pd
import pytest
from rich.console import Console

from cli.exports import print_export
from cli.sweep_tables import print_sweep
from cli.tables import print_gate
from export.report import ExportReport, Gate, GateVerdict
from sweeps.report import SweepReport, TrialRow
from tracking.entities import RunRecord


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


def test_each_variant_has_a_line_of_its_own() -> None:
    metrics = {"export/int8/limit_p_value": 0.003, "export/int4/limit_p_value": 0.2}
    assert [line.split(": ")[0] for line in shown((), metrics).splitlines()] == [
        "gate proved", "gate held, not proved"
    ]  # fmt: skip


def test_an_export_shows_its_variants_side_by_side_each_with_its_verdict() -> None:
    record = RunRecord("01234567" * 4, "a [name]", "sst2", "FINISHED", {}, {}, {}, 0, 0, None, "")
    names = ("torch", "fp32", "int8", "int4")
    metrics = {f"export/{name}/accuracy": 0.9 - 0.01 * place for place, name in enumerate(names)}
    metrics |= {"export/int8/limit_p_value": 0.013, "export/int4/limit_p_value": 0.7}
    gates = {
        "fp32": Gate(GateVerdict.PROVED, None),
        "int8": Gate(GateVerdict.PROVED, None),
        "int4": Gate(GateVerdict.FAILED, "INT4 [lost] much."),
    }
    report = ExportReport(metrics, {"export/limit": "0.005"}, pd.DataFrame(), {}, gates)
    console = Console(file=io.StringIO(), width=120)
    print_export(console, record, report, Path("mlruns"))
    assert isinstance(console.file, io.StringIO)
    lines = console.file.getvalue().splitlines()
    assert lines[0] == "Run 01234567  a [name]"
    assert [line.split() for line in lines[1:6]] == [
        ["variant", "accuracy", "gate"],
        ["PyTorch", "90.00", "%"],
        ["FP32", "89.00", "%", "proved"],
        ["INT8", "88.00", "%", "proved", "(p", "=", "0.013)"],
        ["INT4", "87.00", "%", "failed"],
    ]
    told = " ".join(lines[6:])
    assert "lose at most 0.5 points of accuracy" in told
    assert "gate failed: INT4 [lost] much." in told
    assert "encore pareto 01234567 " in told


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
