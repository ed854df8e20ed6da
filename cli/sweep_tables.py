"""A sweep in a terminal: a line for each run as it ends, the table of its trials, what to type next."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console, Group

from cli.comparison_tables import selection_line
from cli.figures import duration, exported, heading, number, score, setting
from cli.headline import print_commands
from cli.tables import SHORT, fitted, styled
from export.variants import DEPLOYED
from host.markup import literal
from host.text import root_option
from runs.layout import PASSED
from scoring.tasks import TASKS, task_of_metrics

if TYPE_CHECKING:
    from runs.result import RunResult
    from sweeps.rows import SweepReport, TrialRow

MOST_TRIALS = 20  # of a sweep that is looked at as one run among others


def print_trial(console: Console, what: str, result: RunResult) -> None:
    """One line for a run of a sweep that just ended; `what`: such as `trial 0`."""
    task = task_of_metrics(result.metrics, "best/val")
    held_out = f"held-out {score(result.metrics, 'best/val')}{task.unit if task else ''}"
    status = styled(result.status.upper(), f"{result.status:>8}")
    reused = f"reuses {result.reused[:SHORT]}" if result.reused else duration(sum(result.seconds.values()))
    console.print(
        f"{status} {what}  {result.run_id[:SHORT]}  {literal(result.name)}  {held_out}  {reused}",
        highlight=False,
    )
    for failure in result.gate_failures:
        console.print(f"  [bold red]gate failed:[/] {literal(failure)}")


def print_sweep(
    console: Console, report: SweepReport, *, most: int | None = None, said: Collection[str] = ()
) -> None:
    """The trials, the best of them, what mattered, where the time went.

    most: the best so many trials; none: all. said: sentences that stand above on the same terminal.
    """
    for note in report.notes:
        if f"note: {note}" not in said:
            console.print(f"note: {literal(note)}", style="yellow", highlight=False)
    rows = report.rows if most is None or len(report.rows) <= most else _best_rows(report, most)
    console.print(_trials_table(report, rows, console))
    if len(rows) < len(report.rows):
        more = f"the best {len(rows)} of {len(report.rows)}; `encore sweep {report.name} --status` lists all"
        console.print(literal(more), style="dim", highlight=False)
    if report.importances:
        shares = ", ".join(f"{literal(key)} {100 * share:.0f} %" for key, share in report.importances.items())
        console.print(f"What mattered: {shares}", highlight=False)
    total = sum(report.seconds.values())
    if total:
        parts = ", ".join(
            f"{key} {duration(value)} ({100 * value / total:.0f} %)" for key, value in report.seconds.items()
        )
        console.print(f"Where the time went: {parts}", highlight=False)
    if report.best is not None:
        console.print(_best_line(report.best), highlight=False)
    if report.selection is not None:
        task = next(task for task in TASKS if report.primary_metric.endswith(task.metric))
        console.print(selection_line(report.selection, task), highlight=False)


def _best_rows(report: SweepReport, most: int) -> list[TrialRow]:
    """By the held-out score; those that were not scored last."""
    task = next(task for task in TASKS if report.primary_metric.endswith(task.metric))
    sign = -1 if task.greater_is_better else 1
    key = f"best/val/{task.metric}"
    return sorted(report.rows, key=lambda row: (key not in row.metrics, sign * row.metrics.get(key, 0.0)))[
        :most
    ]


def _trials_table(report: SweepReport, shown: Sequence[TrialRow], console: Console) -> Group:
    """What is least asked for goes first where there is little room."""
    rows = [_trial(row, report) for row in shown]
    heads = [heading(key) for key in (report.rows[0].values if report.rows else {})]
    legend = next(task.legend for task in TASKS if report.primary_metric.endswith(task.metric))
    return fitted(
        console,
        rows,
        spare=["gate", "MiB", "p50 ms", *reversed(heads)],
        title=f"Sweep {literal(report.name)}: {legend}, {DEPLOYED.label} size and latency",
    )


def _trial(row: TrialRow, report: SweepReport) -> dict[str, str]:
    best = report.best is not None and row.run_id == report.best.run_id
    state = styled(row.status, row.status.lower())
    return {
        "trial": f"{row.trial}{' finale' if row.stage == 'finale' else ''}",
        "run": row.run_id[:SHORT],
        "status": f"[bold]{styled(row.status, 'best')}[/]" if best else state,
        **{heading(key): literal(setting(value)) for key, value in row.values.items()},
        "held-out": score(row.metrics, "best/val"),
        "test": score(row.metrics, "test"),
        DEPLOYED.label: exported(row.metrics),
        "MiB": number(row.metrics.get(f"export/{DEPLOYED.name}/size_mib")),
        "p50 ms": number(row.metrics.get(f"export/{DEPLOYED.name}/latency_b1_p50_ms")),
        "gate": _gate(row),
    }


def _gate(row: TrialRow) -> str:
    """An earlier version of Encore told no more than that it held."""
    if row.gate is None:
        return ""
    return literal(row.gate_verdict or PASSED) if row.gate == PASSED else "[red]failed[/]"


def _best_line(best: TrialRow) -> str:
    task = task_of_metrics(best.metrics, "test")
    chosen = f"Best by the held-out slice: run [bold]{best.run_id[:SHORT]}[/]"
    if task is None:  # its score was deleted in the store
        return chosen
    told, remark = task.told(best.metrics, "test")
    return f"{chosen}, test [bold]{told}[/] {remark}"


def print_next_commands(console: Console, report: SweepReport, root: Path) -> None:
    """Three commands to type next, with IDs that exist."""
    if report.best is None:
        return
    option = root_option(root)
    commands = {
        f"encore ui {report.parent_id[:SHORT]}{option}": "compare the trials in the browser",
        f"encore show {report.best.run_id[:SHORT]}{option}": "the best run in full",
        f"encore runs --sweep {report.parent_id[:SHORT]}{option}": "every run of this sweep",
    }
    print_commands(console, commands)
