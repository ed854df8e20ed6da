"""How long a call takes at every shape of a table: batches of 1, 8 and 32, of 16 and of 128 tokens.

Each cell has a budget of seconds, so a large model is called less often than a small one; how often is said.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from export.latency import SHARES, call_times_ms, latency_input, torch_threads
from export.scoring import LoadedVariant
from host.cpu import read_cpu
from lightning_modules.precision import matmul_precision

if TYPE_CHECKING:
    from export.options import ExportOptions, ScoringSet

BATCHES, LENGTHS = (1, 8, 32), (16, 128)
_MOST_CALLS, _FEWEST_CALLS = 50, 3
_MOST_LOGITS = 2**26  # of one call: 256 MiB of float32
_BFLOAT16 = {"avx512_bf16", "amx_bf16", "bf16"}  # Linux's names, of x86 and of ARM


@dataclass(frozen=True)
class Shape:
    """Of a call's input: rows, and tokens of each."""

    batch: int
    tokens: int

    @property
    def ids(self) -> int:
        return self.batch * self.tokens

    @property
    def key(self) -> str:
        """In the name of a metric."""
        return f"b{self.batch}_t{self.tokens}"


SHAPES = tuple(Shape(batch, tokens) for tokens in LENGTHS for batch in BATCHES)


@dataclass
class Grid:
    """metrics: `export/<variant>/latency_b8_t128_p50_ms`, p95, p99 and `…_examples_per_s`, of each shape and variant.
    params: how many calls stand behind them, and what was left out and why."""

    metrics: dict[str, float] = field(default_factory=dict[str, float])
    params: dict[str, str] = field(default_factory=dict[str, str])


def possible_shapes(*, positions: int | None, logits_per_token: int) -> tuple[list[Shape], dict[str, str]]:
    """The shapes that a model takes, and why it does not take the others, as params. positions: of its input; none: any
    number. logits_per_token: 0 of a classifier, the vocabulary of a language model."""
    taken: list[Shape] = []
    skipped: dict[str, str] = {}
    for shape in SHAPES:
        logits = shape.ids * logits_per_token
        if positions is not None and shape.tokens > positions:
            skipped[f"export/latency_{shape.key}_skipped"] = f"the model has {positions} positions"
        elif logits > _MOST_LOGITS:
            skipped[f"export/latency_{shape.key}_skipped"] = f"{4 * logits / 2**20:,.0f} MiB of logits"
        else:
            taken.append(shape)
    return taken, skipped


def measure_grid(
    variants: Sequence[LoadedVariant],
    scoring: ScoringSet,
    shapes: Sequence[Shape],
    *,
    options: ExportOptions,
) -> Grid:
    """Every variant at every shape, unpadded, with ids of the scoring set; PyTorch at the precision that stands, which
    an export sets to "highest", and at "medium" where the processor has bfloat16."""
    grid = Grid()
    with torch_threads(options.asked.threads):
        for variant in variants:
            _measure(grid, variant, "latency", scoring, shapes, options)
            if not variant.variant.is_exported:
                _measure_medium(grid, variant, scoring, shapes, options)
    return grid


def _measure_medium(
    grid: Grid, variant: LoadedVariant, scoring: ScoringSet, shapes: Sequence[Shape], options: ExportOptions
) -> None:
    flags = read_cpu().flags
    if flags is None or not flags & _BFLOAT16:
        grid.params[f"export/{variant.name}/latency_medium_skipped"] = "the processor has no bfloat16"
        return
    with matmul_precision("medium"):
        _measure(grid, variant, "latency_medium", scoring, shapes, options)


def _measure(
    grid: Grid,
    variant: LoadedVariant,
    name: str,
    scoring: ScoringSet,
    shapes: Sequence[Shape],
    options: ExportOptions,
) -> None:
    prefix = f"export/{variant.name}/{name}"
    calls: list[str] = []
    for shape in shapes:
        ids_BL = latency_input(scoring, batch=shape.batch, tokens=shape.tokens)
        times_ms = call_times_ms(
            lambda ids_BL=ids_BL: variant.logits(ids_BL),
            most=_MOST_CALLS,
            fewest=_FEWEST_CALLS,
            seconds=options.asked.latency_seconds,
        )
        for share in SHARES:
            grid.metrics[f"{prefix}_{shape.key}_p{share}_ms"] = float(np.percentile(times_ms, share))
        rate = 1000 * shape.batch / float(np.mean(times_ms))
        grid.metrics[f"{prefix}_{shape.key}_examples_per_s"] = rate
        calls.append(f"{shape.batch}x{shape.tokens} {len(times_ms)}")
    grid.params[f"{prefix}_calls"] = ", ".join(calls)
