"""How results look in a terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

from cli.metric_tables import print_metrics
from export.variants import DEPLOYED
from host.markup import literal
from host.text import root_option
from runs.layout import STAGE_TAG
from scoring.tasks import TASKS, task_of_export, task_of_metrics
from tracking.entities import KILLED_BECAUSE_TAG

if TYPE_CHECKING:
    from runs.result import RunResult
    from sweeps.report import SweepReport, TrialRow
    from tracking.entities import RunRecord

_NAME_WIDTH = 28  # characters that a run's name keeps on a narrow terminal
SHORT = 8  # characters of a run ID that people type
_STYLES = {"FINISHED": "green", "PRUNED": "yellow", "KILLED": "yellow", "FAILED": "red", "RUNNING": "cyan"}


def percent(value: float | None) -> str:
    """0.8807 -> 88.07 %; nothing for none."""
    return "" if value is None else f"{100 * value:.2f} %"


def number(value: float | None, digits: int = 2) -> str:
    """Fixed digits; nothing for none."""
    return "" if value is None else f"{value:.{digits}f}"


def duration(seconds: float) -> str:
    """75 -> 1m 15s."""
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}m {rest:02d}s" if minutes else f"{rest}s"


def print_trial(console: Console, what: str, result: RunResult) -> None:
    """One line for a run of a sweep that just ended; `what`: such as `trial 0`."""
    task = task_of_metrics(result.metrics, "best/val")
    score = f"held-out {_score(result.metrics, 'best/val')}{task.unit if task else ''}"
    style = _STYLES["PRUNED" if result.status == "pruned" else "FINISHED"]
    reused = f"reuses {result.reused[:SHORT]}" if result.reused else duration(sum(result.seconds.values()))
    console.print(
        f"[{style}]{result.status:>8}[/] {what}  {result.run_id[:SHORT]}  {literal(result.name)}  {score}  {reused}",
        highlight=False,
    )
    for failure in result.gate_failures:
        console.print(f"  [bold red]gate failed:[/] {literal(failure)}")


def print_sweep(console: Console, report: SweepReport) -> None:
    """The trials, the best of them, what mattered, where the time went."""
    for note in report.notes:
        console.print(f"note: {literal(note)}", style="yellow", highlight=False)
    console.print(_trials_table(report, console))
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


def _trials_table(report: SweepReport, console: Console) -> Table:
    swept = _short_keys(report)
    rows: list[dict[str, str]] = []
    for row in report.rows:
        best = report.best is not None and row.run_id == report.best.run_id
        state = styled(row.status, row.status.lower())
        rows.append(
            {
                "trial": f"{row.trial}{' finale' if row.stage == 'finale' else ''}",
                "run": row.run_id[:SHORT],
                "status": f"[bold]{state}, best[/]" if best else state,
                **dict(
                    zip(swept, (literal(short_value(value)) for value in row.values.values()), strict=True)
                ),
                "held-out": _score(row.metrics, "best/val"),
                "test": _score(row.metrics, "test"),
                DEPLOYED.label: _exported(row.metrics),
                "MiB": number(row.metrics.get(f"export/{DEPLOYED.name}/size_mib")),
                "p50 ms": number(row.metrics.get(f"export/{DEPLOYED.name}/latency_b1_p50_ms")),
                "gate": "" if row.gate is None else ("passed" if row.gate == "passed" else "[red]failed[/]"),
            }
        )
    spare = ["gate", "MiB", "p50 ms", *reversed(swept)]
    legend = next(task.legend for task in TASKS if report.primary_metric.endswith(task.metric))
    return fitted(
        console,
        rows,
        spare=spare,
        title=f"Sweep {literal(report.name)}: {legend}, {DEPLOYED.label} size and latency",
    )


def fitted(
    console: Console, rows: Sequence[Mapping[str, str]], *, spare: Sequence[str], title: str | None = None
) -> Table:
    """A table of `rows`, without as many of the columns `spare`, the first ones first, as the width asks for."""
    headings = list(rows[0]) if rows else []
    # A name may break, down to 28 characters; what else a cell holds stays whole.
    widths = {
        heading: _NAME_WIDTH
        if heading == "name"
        else max(
            cell_len(Text.from_markup(text).plain) for text in (heading, *(row[heading] for row in rows))
        )
        for heading in headings
    }
    for heading in spare:
        if 1 + sum(3 + widths[kept] for kept in headings) <= console.width:
            break
        headings.remove(heading)
    table = Table(title=title, title_justify="left")
    for heading in headings:
        words = heading == "name"
        table.add_column(heading, no_wrap=not words, min_width=_NAME_WIDTH if words else None)
    for row in rows:
        table.add_row(*(row[heading] for heading in headings))
    return table


def _short_keys(report: SweepReport) -> list[str]:
    return [literal(key.rsplit(".", 1)[-1]) for key in (report.rows[0].values if report.rows else {})]


def short_value(text: str) -> str:
    """A number with three digits; another value as it is."""
    try:
        return f"{float(text):.3g}"
    except ValueError:
        return text


def _best_line(best: TrialRow) -> str:
    task = task_of_metrics(best.metrics, "test")
    assert task is not None, "a finished run is scored on the official split"
    score, remark = task.told(best.metrics, "test")
    return f"Best by the held-out slice: run [bold]{best.run_id[:SHORT]}[/], test [bold]{score}[/] {remark}"


def print_next_commands(console: Console, report: SweepReport, root: Path) -> None:
    """Three commands to type next, with IDs that exist."""
    if report.best is None:
        return
    option = root_option(root)
    console.print("\nNext:")
    for command, why in (
        (f"encore ui{option}", "compare the trials in the browser"),
        (f"encore show {report.best.run_id[:SHORT]}{option}", "the best run in full"),
        (f"encore runs --sweep {report.parent_id[:SHORT]}{option}", "every run of this sweep"),
    ):
        console.print(f"  [bold]{literal(command)}[/]  [dim]# {why}[/]", highlight=False, soft_wrap=True)


def print_result(console: Console, result: RunResult) -> None:
    """Scores of a run that just ended."""
    console.print(
        f"Run [bold]{result.run_id[:SHORT]}[/] {result.status}: {literal(result.name)}", highlight=False
    )
    print_metrics(console, result.metrics)
    if result.seconds:
        spent = ", ".join(f"{name} {duration(seconds)}" for name, seconds in result.seconds.items())
        console.print(f"Where the time went: {spent}", highlight=False)
    for failure in result.gate_failures:
        console.print(f"[bold red]gate failed:[/] {literal(failure)}")


def print_runs(console: Console, runs: Sequence[RunRecord], *, filtered: bool) -> None:
    """One line per run."""
    if not runs:
        none = "No run is like that; `encore runs` without options lists all."
        first = "No runs yet. `make demo` or `encore train demo_reviews` makes the first."
        console.print(none if filtered else first, highlight=False)
        return
    rows = [
        {
            "run": run.run_id[:SHORT],
            "started": _started(run),
            "experiment": literal(run.experiment),
            "name": literal(run.name),
            "status": _state(run),
            "held-out": _score(run.metrics, "best/val") or _coherent(run, "search"),
            "test": _score(run.metrics, "test") or _coherent(run, "official"),
            DEPLOYED.label: _exported(run.metrics),
        }
        for run in runs
    ]
    console.print(fitted(console, rows, spare=["experiment", "started", "INT8"]))


def _started(run: RunRecord) -> str:
    """Nothing for a time that no calendar has."""
    try:
        return datetime.fromtimestamp(run.start_ms / 1000).strftime("%Y-%m-%d %H:%M")
    except (ValueError, OverflowError, OSError):
        return ""


def _state(run: RunRecord) -> str:
    """The status, or why a killed run was killed where that is one word."""
    why = run.tags.get(KILLED_BECAUSE_TAG, "").partition(";")[0]
    word = why if why in {"pruned", "interrupted", "lost owner"} else run.status.lower()
    return styled(run.status, word)


def styled(status: str, word: str) -> str:
    """A word in the colour of a run's status."""
    return f"[{_STYLES[status]}]{literal(word)}[/]" if status in _STYLES else literal(word)


def _score(metrics: Mapping[str, float], prefix: str) -> str:
    """The task's metric of a split; nothing where it was not scored."""
    task = task_of_metrics(metrics, prefix)
    return "" if task is None else task.shown(metrics[f"{prefix}/{task.metric}"])


def _coherent(run: RunRecord, stage: str) -> str:
    """Of a decoding sweep's setting: its coherent stories, from held-out or from official beginnings."""
    coherent = run.metrics.get("stories/coherent")
    return "" if coherent is None or run.tags.get(STAGE_TAG) != stage else f"{percent(coherent)} coherent"


def _exported(metrics: Mapping[str, float]) -> str:
    """What the deployed variant is worth, in its task's figure; nothing where none was measured."""
    task = task_of_export(metrics, DEPLOYED.name)
    return "" if task is None else task.export_shown(metrics[f"export/{DEPLOYED.name}/{task.export_figure}"])


def print_catalog(console: Console, found: Mapping[str, Mapping[str, str]]) -> None:
    """Names and what they are."""
    for kind, entries in found.items():
        table = Table(title=kind, title_justify="left", show_header=False)
        for name, description in entries.items():
            table.add_row(literal(name), literal(description))
        console.print(table)
