"""How fast each form of the winner's model is at every shape that it was timed at, and the memory that it needs."""

from __future__ import annotations

from collections.abc import Sequence

from comparison.forms import Form
from comparison.report.values import figure
from export.latency_grid import SHAPES
from pages.tables import Column, Table, table


def latency_table(forms: Sequence[Form]) -> Table | None:
    """Nothing where none was timed at several shapes. PyTorch has a row for each precision of its products."""
    rows = [
        (label, *_cells(form, name))
        for form in forms
        for name, label in (
            ("latency", form.variant.label),
            ("latency_medium", f"{form.variant.label}, medium"),
        )
        if any(f"{name}_{shape.key}_p50_ms" in form.figures for shape in SHAPES)
    ]
    if not rows:
        return None
    columns = [
        Column("form"),
        *(Column(f"{shape.batch} x {shape.tokens}", "number", "ms") for shape in SHAPES),
        Column("rows/s at 32 x 16", "number"),
        Column("peak memory", "number", "MiB"),
    ]
    caption = "Median latency of the winner's forms, by rows x tokens of a call"
    return table("latencies", caption, columns, rows)


def _cells(form: Form, name: str) -> list[str]:
    medians = [figure(form.figures.get(f"{name}_{shape.key}_p50_ms"), ".2f") for shape in SHAPES]
    rate = figure(form.figures.get(f"{name}_b32_t16_examples_per_s"), ",.0f")
    memory = form.figures.get("peak_memory_mib") if name == "latency" else None
    return [*medians, rate, figure(memory, ",.0f")]
