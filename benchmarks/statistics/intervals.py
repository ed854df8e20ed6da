"""How often a 95 % interval holds the truth, and the gate of language models."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from benchmarks.statistics.rows import Row, at_most, between
from scoring.bootstrap import resampled_together
from scoring.intervals import wilson_interval
from scoring.paired import paired_interval
from scoring.verdict import ALPHA

ROWS = 872
_MARGIN, _SPREAD, _OWN = 3.5, 2.7, 0.6  # of logits: mean, by row, by model and row
_SIZE, _SIZES_SPREAD = 6.6, 0.45  # of the logarithm of a story's bytes
_RATE, _GAIN = 0.02, -0.00001  # nats per byte, and what a byte changes of that
_TRUE_NATS = _RATE + _GAIN * math.exp(
    _SIZE + 1.5 * _SIZES_SPREAD**2
)  # over all bytes, by the lognormal's moments
_TOGETHER = 250  # data sets that are resampled by the same draws


def of_shares(simulated: int) -> list[Row]:
    """Paired difference and Wilson."""
    generator, rows = np.random.default_rng(21), []
    for count, difference, disagreement in ((872, 0.0, 0.03), (872, 0.02, 0.06), (25_000, 0.01, 0.06)):
        shares = [(disagreement - difference) / 2, (disagreement + difference) / 2, 1 - disagreement]
        drawn = generator.multinomial(count, shares, simulated)
        ends = [paired_interval(int(lost), int(won), count) for lost, won, _ in drawn]
        held = np.mean([low <= difference <= high for low, high in ends])
        what = f"paired difference, {count:,} rows, {100 * difference:g} points, {100 * disagreement:g} % disagreement"
        rows.append(_covers(what, held))
    for count, least, most in ((872, 0.9, 0.9), (872, 0.93, 0.93), (100, 0.75, 0.98)):
        truths = generator.uniform(least, most, simulated)
        drawn = zip(generator.binomial(count, truths).tolist(), truths.tolist(), strict=True)
        held = np.mean([_holds(hits, count, share) for hits, share in drawn])
        which = f"{100 * least:g} %" if least == most else f"any from {100 * least:g} to {100 * most:g} %"
        rows.append(_covers(f"Wilson, {count} rows, {which}", held))
    return rows


def _covers(what: str, held: float) -> Row:
    return between(f"interval holds the truth: {what}", float(held), 0.94, 0.97)


def _holds(hits: int, count: int, share: float) -> bool:
    low, high = wilson_interval(hits, count)
    return low <= share <= high


def loss_differences(generator: np.random.Generator, shape: tuple[int, ...]) -> NDArray[np.float64]:
    """Of the log loss of two classifiers that are right on nine rows of ten, a few of their mistakes very sure."""
    margin = generator.normal(_MARGIN, _SPREAD, shape)
    one, other = (margin + generator.normal(0, _OWN, shape) for _ in range(2))
    return np.logaddexp(0, -1.1 * other) - np.logaddexp(0, -one)


def _mean_loss(steepness: float) -> float:
    """The true mean, by Gauss-Hermite quadrature."""
    points, weights = np.polynomial.hermite_e.hermegauss(100)
    margins = _MARGIN + math.hypot(_SPREAD, _OWN) * points
    return float(weights @ np.logaddexp(0, -steepness * margins) / weights.sum())


def of_losses(simulated: int) -> Row:
    """BCa of a mean, in groups that share the draws of the bootstrap."""
    generator, held = np.random.default_rng(22), 0
    truth = _mean_loss(1.1) - _mean_loss(1.0)
    for start in range(0, simulated, _TOGETHER):
        count = min(_TOGETHER, simulated - start)
        for found in resampled_together(loss_differences(generator, (ROWS, count)), seed=start):
            low, high = found.interval()
            held += low <= truth <= high
    return _covers("BCa, log loss per row, 872 rows", held / simulated)


def stories(
    generator: np.random.Generator, shape: tuple[int, int]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Nats that B needs more than A, and bytes, of stories; the long ones gain most."""
    sizes = np.exp(generator.normal(_SIZE, _SIZES_SPREAD, shape))
    rates = _RATE + _GAIN * sizes + generator.standard_t(5, shape) * 0.02
    return sizes * rates, sizes


def of_stories(simulated: int, count: int) -> Row:
    """BCa of a difference in bits per byte."""
    generator, held = np.random.default_rng(23), 0
    truth = _TRUE_NATS / math.log(2)
    for start in range(0, simulated, _TOGETHER):
        nats, sizes = stories(generator, (count, min(_TOGETHER, simulated - start)))
        for found in resampled_together(nats, math.log(2) * sizes, seed=start):
            low, high = found.interval()
            held += low <= truth <= high
    return _covers(f"bits per byte, {count} stories", held / simulated)


def gate_of_loss(simulated: int, count: int = 200) -> Row:
    """The limit is the true increase."""
    generator, proved = np.random.default_rng(24), 0
    for start in range(0, simulated, _TOGETHER):
        drawn = stories(generator, (count, min(_TOGETHER, simulated - start)))
        proved += sum(found.below(_TRUE_NATS) < ALPHA for found in resampled_together(*drawn, seed=start))
    what = f'gate of language models: "proved", the increase is the limit, {count} texts, {simulated:,} simulated'
    return at_most(what, proved / simulated, 0.055)
