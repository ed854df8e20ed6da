"""The exported forms of runs: their figures, what they were measured under, and which of them are worth their cost."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from comparison.front import dominators
from export.variants import VARIANTS, Variant

if TYPE_CHECKING:
    from scoring.task import Task
    from tracking.entities import RunRecord

SIZE, LATENCY = "size_mib", "latency_b1_p50_ms"
SHORT_LATENCY = "latency_b1_t16_p50_ms"
"""The latency of one row of 16 tokens, whatever the rows of a corpus have; an export without a table of latencies has
that of `LATENCY` alone, of a row as long as the median."""
LOSS = "loss"
"""Nats/token: what every export of a language model has."""
LATENCY_TIE = 0.05
"""By this share two median latencies may differ and are held to be equal. The median of 50 calls of one file moves by
about as much from process to process on a quiet machine."""
TIE_TOLD = f"up to {LATENCY_TIE:.0%} apart".replace("%", " %")
SHOWN = {
    SIZE: "size, MiB",
    LATENCY: "latency, ms (median, batch 1)",
    SHORT_LATENCY: "latency, ms (median, 1 row of 16 tokens)",
}
CONDITIONS = {
    "export/processor": "processor",
    "export/instruction_set": "instruction set",
    "export/threads": "threads",
    "export/latency_tokens": "tokens",
    "export/runtime": "runtime",
}
"""What a latency holds under, by the name of the param."""


@dataclass(frozen=True)
class Form:
    """One form of one run's model. figures: by their short names."""

    run: RunRecord
    variant: Variant
    figures: Mapping[str, float]

    @property
    def label(self) -> str:
        """How a command line names it: the beginning of the run's ID, with the variant."""
        return f"{self.run.run_id[:8]}@{self.variant.name}"


def forms_of(run: RunRecord, metrics: Mapping[str, float]) -> Iterator[Form]:
    """Those that were measured, in the order of the table of variants. metrics: by full name."""
    for variant in VARIANTS:
        prefix = f"export/{variant.name}/"
        figures = {
            key.removeprefix(prefix): value for key, value in metrics.items() if key.startswith(prefix)
        }
        if figures:
            yield Form(run, variant, figures)


def score_of(task: Task, forms: Sequence[Form]) -> str:
    """The figure that the forms are ranked by: the task's own metric, or what an export has in its place."""
    return task.metric if any(task.metric in form.figures for form in forms) else LOSS


def latency_of(forms: Sequence[Form]) -> str:
    """The latency that all of the forms have."""
    return SHORT_LATENCY if forms and all(SHORT_LATENCY in form.figures for form in forms) else LATENCY


def costs_of(form: Form, task: Task, score: str, figures: Sequence[str]) -> list[float]:
    """The score turned so that less is better, then the figures; NaN for one that was not measured."""
    value = form.figures.get(score, math.nan)
    better = score == task.metric and task.greater_is_better
    return [-value if better else value, *(form.figures.get(name, math.nan) for name in figures)]


def placed(
    forms: Sequence[Form], task: Task, score: str, figures: Sequence[str]
) -> list[tuple[int, ...] | None]:
    """Of each form the front's forms that dominate it; see `front.dominators`. Latencies have a tolerance."""
    tolerances = [0.0, *(0.0 if name == SIZE else LATENCY_TIE for name in figures)]
    return dominators(np.array([costs_of(form, task, score, figures) for form in forms]), tolerances)


def conditions_of(latency: str) -> dict[str, str]:
    """What that latency holds under: names by the name of the param."""
    return {key: name for key, name in CONDITIONS.items() if latency != SHORT_LATENCY or name != "tokens"}


def differing(conditions: Sequence[Mapping[str, str]], latency: str) -> dict[str, list[str]]:
    """What the runs were measured under, where that is not the same: the values by the condition's name.

    An export of an earlier version does not name its processor; what is unknown is not the same as what is known.
    """
    found = {
        name: sorted({params.get(key, "unknown") for params in conditions})
        for key, name in conditions_of(latency).items()
    }
    return {name: values for name, values in found.items() if len(values) > 1}
