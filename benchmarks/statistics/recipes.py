"""How often one recipe is said to be better than another, when they are equal."""

from __future__ import annotations

from itertools import product

import numpy as np
from numpy.typing import NDArray

from benchmarks.statistics.rows import Row, at_most, percent
from scoring.seeds import row_error
from scoring.verdict import Verdict, recipes_verdict

ROWS, SEEDS, DEVIATION, DISAGREEMENT = 872, (2, 5), 0.009, 0.03


def runs(recipes: NDArray[np.bool_], generator: np.random.Generator, seeds: int) -> NDArray[np.bool_]:
    """(2, seeds, ROWS) answers: each run moves its recipe's accuracy by its seed, and flips rows of its own."""
    right = np.repeat(recipes[:, None], seeds, axis=1)
    right ^= generator.random(right.shape) < DISAGREEMENT / 4
    moved = generator.normal(0, DEVIATION, (*right.shape[:2], 1))
    turned = generator.random(right.shape)
    share = recipes.mean()
    worse, better = turned < -moved / share, turned < moved / (1 - share)
    return (right & ~worse) | better


def false_claims(simulated: int) -> list[Row]:
    """Recipes that agree but for their seeds, and recipes that each know other rows and are equal on all rows."""
    rows = []
    for what, apart in (
        ("that differ by seed alone", 0.0),
        ("that each know 1.5 % of rows better", DISAGREEMENT),
    ):
        for seeds, same_seeds in product(SEEDS, (True, False)):
            told, alone = _claims(simulated, seeds, apart, same_seeds=same_seeds)
            which = "paired" if same_seeds else "Welch"
            rows.append(
                at_most(f'false "recipe better", {seeds} seeds a side, {which}, recipes {what}', told, 0.06)
            )
            if apart:
                rows.append(
                    Row("the same without the error that is due to the rows", percent(alone, 2), "", None)
                )
    return rows


def _claims(simulated: int, seeds: int, apart: float, *, same_seeds: bool) -> tuple[float, float]:
    generator, told, alone = np.random.default_rng(11), 0, 0
    seeds_b = range(seeds) if same_seeds else range(seeds, 2 * seeds)
    for _ in range(simulated):
        common = generator.random(ROWS) < 0.9
        recipes = np.stack([common ^ (generator.random(ROWS) < apart / 2) for _ in range(2)])
        a, b = runs(recipes, generator, seeds)
        error = row_error(a, b, paired=same_seeds)
        asked = (a.mean(1), b.mean(1), range(seeds), seeds_b, 0.0)
        told += recipes_verdict(*asked, error).verdict is not Verdict.CANNOT_TELL
        alone += recipes_verdict(*asked).verdict is not Verdict.CANNOT_TELL
    return told / simulated, alone / simulated


def one_seed(simulated: int) -> Row:
    """Whatever the scores."""
    generator = np.random.default_rng(12)
    silent = sum(
        recipes_verdict(*generator.random((2, 1)), [0], [int(seed)], 0.01).verdict is Verdict.CANNOT_TELL
        for seed in generator.integers(0, 2, simulated)
    )
    return Row("one seed a side: no verdict", f"{silent:,} of {simulated:,}", "always", silent == simulated)
