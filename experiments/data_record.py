"""What a run says of its rows when it begins, and what its record keeps of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.text import Text

from datamodules.summary import DataSummary, summary_lines
from errors import visible

if TYPE_CHECKING:
    from rich.console import Console


def tell_data(console: Console | None, summary: DataSummary) -> None:
    """A line for each split, and each warning."""
    if console is None:
        return
    for line in summary_lines(summary):
        console.print(Text(f"data: {visible(line)}", style="dim"), soft_wrap=True)
    for warning in summary.warnings:
        console.print(Text(f"warning: {visible(warning)}", style="yellow"), soft_wrap=True)
