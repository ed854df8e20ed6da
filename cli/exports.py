"""The verb that exports a run, and how its variants look in a terminal."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from cli.console import print_json
from cli.headline import print_commands
from cli.metric_tables import LATENCIES, VARIANT_SPARE, latency_rows, variant_rows
from cli.session import FAILED, OK, named_run
from cli.tables import SHORT, fitted, print_gate
from comparison.tables import p_equals
from export.options import LIMIT
from export.report import GateVerdict
from export.variants import DEPLOYED, FP32
from host.markup import literal
from host.text import root_option
from scoring.tasks import CLASSIFICATION

if TYPE_CHECKING:
    from rich.console import Console

    from export.report import ExportReport
    from tracking.entities import RunRecord

_COLOURS = {GateVerdict.PROVED: "green", GateVerdict.HELD: "yellow", GateVerdict.FAILED: "red"}


def export_verb(
    run_id: str,
    variants: Sequence[str],
    gate: float | None,
    float32: Sequence[str] | None,
    root: Path,
    *,
    as_json: bool,
) -> int:
    out, reporter, run = named_run(run_id, root)
    from experiments.training.exporting import export_run

    report = export_run(run, variants=variants, gate=gate, float32_nodes=float32, reporter=reporter)
    if as_json:
        print_json(json.loads(report.to_json()))
        print_gate(reporter.console, report.failures, report.metrics)
    else:
        print_export(out, run.record, report, root)
    return OK if report.passed else FAILED


def print_export(out: Console, record: RunRecord, report: ExportReport, root: Path) -> None:
    """All variants side by side, each with what the gate says of it."""
    short = record.run_id[:SHORT]
    out.print(f"Run [bold]{short}[/]  {literal(record.name)}", highlight=False)
    gates = {name: _gate(report, name) for name in report.gates}
    out.print(fitted(out, variant_rows(report.metrics, gates), spare=VARIANT_SPARE, squeezed="variant"))
    out.print(_limit(report), style="dim", highlight=False)
    for failure in report.failures:
        out.print(f"[bold red]gate failed:[/] {literal(failure)}", highlight=False)
    if latencies := latency_rows(report.metrics):
        out.print(fitted(out, latencies, spare=["peak MiB", "32x16 /s"], title=LATENCIES))
    option = root_option(root)
    print_commands(
        out,
        {
            f"encore pareto {short}{option}": "which of these nothing beats, and to pick one",
            f"encore serve {short}{option}": f"answer over HTTP with {DEPLOYED.name}; --variant for another",
        },
    )


def _gate(report: ExportReport, variant: str) -> str:
    verdict = report.gates[variant].verdict
    p = report.metrics.get(f"export/{variant}/limit_p_value")
    told = f" ({p_equals(p)})" if p is not None and verdict is not GateVerdict.FAILED else ""
    return f"[{_COLOURS[verdict]}]{verdict}[/]{told}"


def _limit(report: ExportReport) -> str:
    limit = float(report.params[LIMIT])
    of_accuracy = f"export/{FP32.name}/{CLASSIFICATION.metric}" in report.metrics
    told = f"{100 * limit:g} points of accuracy" if of_accuracy else f"{limit:g} nats/token"
    return (
        f"gate: {FP32.label}'s logits are those of the trained model, and the others lose at most {told} against it."
        " p: of the test against losing that much or more."
    )
