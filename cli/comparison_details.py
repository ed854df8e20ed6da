"""The long part of a comparison in a terminal: examples, slices, calibration, confusion."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table

from cli.figures import percent
from cli.tables import fitted
from comparison.tables import p_value
from host.markup import literal
from host.text import shortened

if TYPE_CHECKING:
    from comparison.results import Calibration, Comparison, Confusion, Details, Example, Slice

_EXAMPLE_CHARACTERS = 300


def print_details(console: Console, found: Comparison, details: Details) -> None:
    a, b = details.a, details.b
    _print_examples(console, f"Right by {a}, wrong by {b}", details.only_a, details.label_names)
    _print_examples(console, f"Right by {b}, wrong by {a}", details.only_b, details.label_names)
    hardest = f"Hardest for {'both' if len(found.sides) == 2 else 'all'}"
    _print_examples(console, hardest, details.hardest, details.label_names)
    _print_slices(console, details.slices, a, b)
    _print_calibration(console, details.calibration)
    _print_confusion(console, details.confusion, details.label_names)


def _print_examples(console: Console, title: str, examples: Sequence[Example], names: Sequence[str]) -> None:
    """Whole texts, so over as many lines as they take."""
    if not examples:
        return
    table = Table(
        "label", "probability of it", "text", title=f"\n{literal(title)}", title_justify="left", box=None
    )
    for example in examples:
        probabilities = " ".join(f"{one:.2f}" for one in example.probabilities)
        table.add_row(
            literal(names[example.label]),
            probabilities,
            literal(shortened(example.text, _EXAMPLE_CHARACTERS)),
        )
    console.print(table)


def _print_slices(console: Console, slices: Sequence[Slice], a: str, b: str) -> None:
    rows: list[dict[str, str]] = []
    for one in slices:
        difference = f"{100 * one.difference.value:+z.1f}"
        rows.append(
            {
                "slice": literal(one.name),
                "rows": f"{one.rows:,}",
                literal(a): percent(one.a.value),
                literal(b): percent(one.b.value),
                "difference": f"[bold]{difference}[/]" if one.stands_out else difference,
                "p (Holm)": p_value(one.p),
            }
        )
    title = f"Slices, where {literal(b)} loses most surely first; in bold: more than chance"
    console.print()
    console.print(fitted(console, rows, spare=["p (Holm)"], title=title, squeezed="slice"))


def _print_calibration(console: Console, sides: Sequence[Calibration]) -> None:
    rows: list[dict[str, str]] = []
    for one in sides:
        null = f"{100 * one.ece.null:.2f} ({100 * one.ece.null_low:.2f} to {100 * one.ece.null_high:.2f})"
        rows.append(
            {
                "model": literal(one.side),
                "ECE": f"{100 * one.ece.value:.2f}",
                "if calibrated": null,
                "p": p_value(one.ece.p),
                "Brier": f"{one.brier:.4f}",
                "miscalibration": f"{one.miscalibration.value:.4f}",
            }
        )
    console.print()
    console.print(fitted(console, rows, spare=["miscalibration", "Brier"], title="Calibration"))


def _print_confusion(console: Console, found: Sequence[Confusion], names: Sequence[str]) -> None:
    rows = [
        {
            "model": literal(side.side),
            "label": literal(label),
            **{
                f"answered {literal(answer)}": f"{count:,}"
                for answer, count in zip(names, counts, strict=True)
            },
        }
        for side in found
        for label, counts in zip(names, side.counts, strict=True)
    ]
    console.print()
    console.print(fitted(console, rows, spare=[], title="Confusion"))
