"""`encore reproduce`: what it prints and how it exits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from cli.tables import SHORT
from cli.verbs import FAILED, OK, consoles, open_existing, print_json

if TYPE_CHECKING:
    from experiments.causes import Cause
    from experiments.reproduce import Reproduction

_COLOURS = {"identical": "bold green", "within tolerance": "bold yellow", "different": "bold red"}


def reproduce_verb(
    run_id: str, root: Path, *, threads: int | None, accept_tolerance: bool, as_json: bool
) -> int:
    out, progress = consoles()
    store = open_existing(root, progress)
    record = store.find(run_id)
    from experiments.reproduce import reproduce

    found = reproduce(store, record, threads=threads, console=progress)
    if as_json:
        print_json(found.certificate)
    else:
        _print_reproduction(out, record.run_id, found)
    accepted = {"identical", "within tolerance"} if accept_tolerance else {"identical"}
    return OK if found.comparison.verdict in accepted else FAILED


def check_verb(run_id: str, root: Path, *, as_json: bool) -> int:
    out, progress = consoles()
    store = open_existing(root, progress)
    record = store.find(run_id)
    from experiments.reproduce import check

    causes = check(store, record, console=progress)
    if as_json:
        print_json([asdict(cause) for cause in causes])
    elif causes:
        out.print(_causes_table(causes, f"What differs from the record of {record.run_id[:SHORT]}"))
    else:
        out.print(f"Nothing here differs from the record of [bold]{record.run_id[:SHORT]}[/].")
    return FAILED if causes else OK


def _print_reproduction(out: Console, recorded_id: str, found: Reproduction) -> None:
    comparison = found.comparison
    colour = _COLOURS[comparison.verdict]
    out.print(
        f"[{colour}]{comparison.verdict}[/]: run [bold]{found.run_id[:SHORT]}[/] plays "
        f"[bold]{recorded_id[:SHORT]}[/] again",
        highlight=False,
    )
    table = Table("compared", "result")
    for name, equal in comparison.digests.items():
        table.add_row(name, "equal" if equal else "[red]differs[/]")
    table.add_row(f"{comparison.values_compared} values of {comparison.steps_compared} steps", _steps(found))
    table.add_row("final metrics", _metrics(found))
    for split, answers in comparison.answers.items():
        table.add_row(
            f"answers, {split}",
            f"{100 * answers.equal_share:.2f} % of {answers.examples} equal, largest difference {answers.largest:.3g}",
        )
    out.print(table)
    if found.causes:
        out.print(_causes_table(found.causes, "What differs around it, the likeliest cause first"))
    out.print(f"[dim]certificate: encore show {found.run_id[:SHORT]}, certificate.md[/]", highlight=False)


def _steps(found: Reproduction) -> str:
    first = found.comparison.first_difference
    if first is None:
        return "equal to the bit"
    return (
        f"[red]step {first.step} is the first that differs[/]: {first.metric} {first.recorded} then, {first.actual} "
        f"now; largest difference of a loss {found.comparison.largest_loss_difference:.3g} nats"
    )


def _metrics(found: Reproduction) -> str:
    different = found.comparison.metrics
    if not different:
        return "equal to the bit"
    return "[red]differ[/]: " + ", ".join(
        f"{key} {then} then, {now} now" for key, (then, now) in different.items()
    )


def _causes_table(causes: Sequence[Cause], title: str) -> Table:
    table = Table("kind", "what", "recorded", "now", title=title, title_justify="left")
    for cause in causes:
        table.add_row(
            cause.kind, escape(cause.name), escape(cause.recorded or "none"), escape(cause.actual or "none")
        )
    return table
