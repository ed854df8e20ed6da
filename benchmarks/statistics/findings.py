"""A sweep's winner, slices and calibration, when the truth is known."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.statistics.rows import Row, at_least
from comparison.answers import Classes
from comparison.text_slices import slices
from scoring.calibration import reliability
from scoring.selection import selection
from scoring.slices import slice_differences, slice_scores

CONFIGS, SHARE = 20, 0.9
_FIRST = 200
_LEAST_ROWS = 60  # of a slice that is spoilt


def winners(simulated: int, rows: int, *, flipped: float | None) -> list[Row]:
    """20 equal configs. flipped: share of rows that each answers otherwise than they have in common; none: nothing is
    in common."""
    generator = np.random.default_rng(31)
    found, claims = [], []
    for number in range(simulated):
        found.append(selection(_equal(generator, rows, flipped), seed=number))
        claims.append(_equal(generator, 872, flipped)[found[-1].best].mean())  # of the official split
    alike = "nothing in common" if flipped is None else f"{100 * flipped:g} % of rows of their own"
    what = f"20 equal configs, {rows:,} rows, {alike}"
    truth = SHARE if flipped is None else SHARE * (1 - flipped) + (1 - SHARE) * flipped
    looks = np.mean([each.apparent for each in found]) - truth
    expected, error = _mean([each.expected - truth for each in found])
    claim, claim_error = _mean(np.array(claims) - truth)
    return [
        Row(f"winner's selection score, {what}", f"{100 * looks:+.2f} points", "", None),
        Row(
            "of that told as bias",
            f"{100 * np.mean([each.bias for each in found]):.2f} points",
            "",
            None,
        ),
        Row(
            "score without it",
            f"{100 * expected:+.3f} ± {100 * error:.3f} points",
            "within 0.1 point",
            abs(expected) <= 0.001,
        ),
        Row(
            f"winner's claim, the official 872 rows, {simulated:,} sweeps",
            f"{100 * claim:+.3f} ± {100 * claim_error:.3f} points",
            "within 0.1 point",
            abs(claim) <= 0.001,
        ),
    ]


def _equal(generator: np.random.Generator, rows: int, flipped: float | None) -> NDArray[np.bool_]:
    if flipped is None:
        return generator.random((CONFIGS, rows)) < SHARE
    common = generator.random(rows) < SHARE
    return common ^ (generator.random((CONFIGS, rows)) < flipped)


def _mean(values: NDArray[np.float64] | list[float]) -> tuple[float, float]:
    """And its standard error."""
    return float(np.mean(values)), float(np.std(values) / len(values) ** 0.5)


def of_slices(texts: list[str], labels: NDArray[np.int64], models: int) -> list[Row]:
    """Models on real sentences: each slice of at least 60 rows spoilt once or more, and models that none is."""
    generator = np.random.default_rng(32)
    masks = _masks(generator, texts, labels)
    large = [name for name, mask in masks.items() if _LEAST_ROWS <= mask.sum() < len(texts) / 2]
    first = changed = 0
    for number in range(20):
        name = large[number % len(large)]
        right = generator.random(len(texts)) < SHARE
        spoilt = right & ~(masks[name] & (generator.random(len(texts)) < 0.5))
        first += slice_scores(spoilt, masks)[0].name == name
        changed += slice_differences(right, spoilt, masks)[0].name == name
    silent, agreed = np.zeros(models, bool), np.zeros(models, bool)
    for number in range(models):
        right = generator.random(len(texts)) < SHARE
        turned = generator.random(len(texts))  # 3 % of the rows either way
        other = np.where(right, turned >= 0.03 / SHARE, turned < 0.03 / (1 - SHARE))
        silent[number] = not any(each.stands_out for each in slice_scores(right, masks))
        agreed[number] = not any(each.stands_out for each in slice_differences(right, other, masks))
    slices_ = f"{len(masks)} slices of {len(texts)} real sentences"
    return [
        Row(f"spoilt on one of {slices_}: that one first", f"{first} of 20", "20 of 20", first == 20),
        Row("the same, B spoilt and A not: that one first", f"{changed} of 20", "20 of 20", changed == 20),
        _none_named("unspoilt: no slice named", silent),
        _none_named("two unspoilt models: no slice named", agreed),
    ]


def _none_named(what: str, silent: NDArray[np.bool_]) -> Row:
    first = silent[:_FIRST]
    told = f"{what}, {len(silent):,} models, {100 * first.mean():.1f} % of the first {len(first)}"
    return at_least(told, float(silent.mean()), 0.95)


def _masks(
    generator: np.random.Generator, texts: list[str], labels: NDArray[np.int64]
) -> dict[str, NDArray[np.bool_]]:
    logits = np.stack([generator.normal(0, 3, len(texts)) for _ in range(2)], axis=1)
    classes = Classes(labels, logits.argmax(1), logits)
    return slices(texts, classes, classes, ("negative", "positive"))


def calibrated_error(rows: int = 872) -> Row:
    """Of a model that is as right as it is sure, nine times of ten."""
    generator = np.random.default_rng(33)
    confidence = 1 / (1 + np.exp(-np.abs(generator.normal(0, 5, rows))))
    found = [reliability(confidence, generator.random(rows) < confidence) for _ in range(50)]
    shown, null = np.mean([each.ece.value for each in found]), found[0].ece.mean
    named = np.mean([each.ece.p < 0.05 for each in found])
    figure = f"{100 * shown:.2f} points, its null says {100 * null:.2f}; {100 * named:.0f} % of 50 look miscalibrated"
    return Row(f"ECE of a perfectly calibrated model, {rows} rows", figure, "1.6 to 1.9 points", None)


def sentences(data: Path) -> tuple[list[str], NDArray[np.int64]]:
    """SST-2's official validation split."""
    import pyarrow.parquet as pq

    table = pq.read_table(data / "data/sst2/validation.parquet").to_pydict()
    return table["sentence"], np.array(table["label"], np.int64)
