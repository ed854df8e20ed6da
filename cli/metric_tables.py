"""A run's scores in a terminal: one line each, and the variants of its export side by side."""

from __future__ import annotations

import math
from collections.abc import Mapping

from rich.console import Console
from rich.table import Table

from export.variants import VARIANTS
from host.markup import literal

_LISTED = ("best/", "test/", "export/", "stories/", "real/")
_OF_VARIANT = tuple(f"export/{variant.name}/" for variant in VARIANTS)


def print_metrics(console: Console, metrics: Mapping[str, float]) -> None:
    """Nothing where there are none."""
    scores = Table(show_header=False)
    scores.add_column("metric")
    scores.add_column("value", justify="right")
    for key in sorted(metrics):
        if key.startswith(_LISTED) and not key.startswith(_OF_VARIANT):
            scores.add_row(literal(key), _plain(metrics[key]))
    for table in (scores, _export_table(metrics)):
        if table.row_count:
            console.print(table)


def _export_table(metrics: Mapping[str, float]) -> Table:
    """A row for each figure, a column for each variant; a figure is the metric export/VARIANT/FIGURE."""
    table = Table("export/VARIANT/…")
    for variant in VARIANTS:
        table.add_column(variant.name, justify="right")
    figures = {key.split("/", 2)[2] for key in metrics if key.startswith(_OF_VARIANT)}
    for figure in sorted(figures):
        found = [metrics.get(f"export/{variant.name}/{figure}") for variant in VARIANTS]
        table.add_row(literal(figure), *("" if value is None else _plain(value) for value in found))
    return table


def _plain(value: float) -> str:
    if not math.isfinite(value):
        return str(value)
    return str(int(value)) if value == int(value) and abs(value) < 1e15 else f"{value:.5g}"
