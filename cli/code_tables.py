"""The code that a record names, shown to whom is asked whether it may be run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.table import Table

from host.markup import literal

if TYPE_CHECKING:
    from rich.console import Console

    from experiments.reproduction.trust import Summary

_SHOWN = 40


def print_code(progress: Console, code: Summary) -> None:
    """Commit, patch by file, and the pins of its lock that are others here."""
    branches = ", ".join(code.branches) or "none: it was fetched, or its branch is gone"
    told = {
        "run": code.run,
        "commit": f"{code.commit} of {code.authored}",
        "subject": code.subject,
        "local branches that have it": branches,
    }
    progress.print("This machine has not recorded the code of this run.", style="bold yellow")
    for name, value in told.items():
        progress.print(f"  {name}: {literal(value)}", highlight=False)
    if code.files:
        table = Table("file of the patch", "lines added", "removed")
        for path, added, removed in code.files[:_SHOWN]:
            table.add_row(literal(path), added, removed)
        progress.print(table)
        if len(code.files) > _SHOWN:
            progress.print(f"  and {len(code.files) - _SHOWN} more", highlight=False)
    for pin in code.pins[:_SHOWN]:
        progress.print(f"  pinned otherwise than here: {literal(pin)}", highlight=False)
