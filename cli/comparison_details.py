"""The long part of a comparison in a terminal: examples, slices, calibration, confusion."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table

from cli.figures import percent
from comparison.tables import p_value
from host.markup import literal
from host.text import shortened

if TYPE_CHECKING:
    from comparison.results import Calibration, Comparison, Confusion, Details, Example, Slice

_EXAMPLE_CHARACTERS = 300


def print_details(console: Console, found: Comparison, details: Details) -> None:
    labels = [side.label for side in sorted(found.sides, key=lambda side: side.rank)]
    a, b = literal(details.a), literal(details.b)
    _print_examples(console, f"Right by {a}, wrong by {b}", details.only_a)
    _print_examples(console, f"Right by {b}, wrong by {a}", details.only_b)
    _print_examples(console, f"Hardest for {'both' if len(labels) == 2 else 'all'}", details.hardest)
    console.print(_slices(details.slices, details.a, details.b))
    console.print(_calibration(details.calibration))
    for confusion in details.confusion:
        console.print(_confusion(confusion))


def _print_examples(console: Console, title: str, examples: Sequence[Example]) -> None:
    if not examples:
        return
    table = Table("label", "probability of it", "text", title=title, title_justify="left")
    for example in examples:
        probabilities = " ".join(f"{one:.2f}" for one in example.probabilities)
        table.add_row(
            str(example.label), probabilities, literal(shortened(example.text, _EXAMPLE_CHARACTERS))
        )
    console.print(table)


def _slices(slices: Sequence[Slice], a: str, b: str) -> Table:
    heads = ("slice", "rows", literal(a), literal(b), "difference", "p (Holm)")
    table = Table(*heads, title="Slices, where B loses most first", title_justify="left")
    for one in slices:
        difference = f"{100 * one.difference.value:+.1f}"
        shown = f"[bold]{difference}[/]" if one.stands_out else difference
        scores = (percent(one.a.value), percent(one.b.value))
        table.add_row(literal(one.name), f"{one.rows:,}", *scores, shown, p_value(one.p))
    return table


def _calibration(sides: Sequence[Calibration]) -> Table:
    table = Table(
        "model",
        "ECE",
        "if calibrated",
        "p",
        "Brier",
        "miscalibration",
        title="Calibration",
        title_justify="left",
    )
    for one in sides:
        null = f"{100 * one.ece.null:.2f} ({100 * one.ece.null_low:.2f} to {100 * one.ece.null_high:.2f})"
        table.add_row(
            literal(one.side),
            f"{100 * one.ece.value:.2f}",
            null,
            p_value(one.ece.p),
            f"{one.brier:.4f}",
            f"{one.miscalibration.value:.4f}",
        )
    return table


def _confusion(found: Confusion) -> Table:
    labels = range(len(found.counts))
    table = Table("label", *(f"as {label}" for label in labels), title=f"Answers of {literal(found.side)}")
    for label, row in zip(labels, found.counts, strict=True):
        table.add_row(str(label), *(f"{count:,}" for count in row))
    return table
