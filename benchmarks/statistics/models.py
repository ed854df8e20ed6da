"""How often two models are said to differ, to be the same, or to be no worse, when the truth is known.

By enumeration of all pairs of counts (lost, won), and by simulated tables of answers. The enumeration shares nothing
with `scoring/`: its p-values and probabilities are scipy.stats'.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln, xlogy
from scipy.stats import binom

from benchmarks.statistics.rows import Row, at_least, at_most, near, percent
from scoring.paired import detectable_difference, not_worse_by, same_within
from scoring.verdict import ALPHA, Judgement, Verdict, models_verdict

SST2_ROWS, ALL_ROWS = 872, 25_000
MARGIN, LIMIT = 0.01, 0.005
_FALSE = {0.02: 0.046, 0.03: 0.045, 0.06: 0.049, 0.10: 0.049}
_POWER = {(0.02, 0.06): 0.68, (0.03, 0.10): 0.80}
Counts = NDArray[np.int64]


def mid_p(lost: Counts, won: Counts) -> NDArray[np.float64]:
    fewer, changed = np.minimum(lost, won), lost + won
    return np.minimum(1, 2 * binom.cdf(fewer, changed, 0.5) - binom.pmf(fewer, changed, 0.5))


def differs(lost: Counts, won: Counts) -> NDArray[np.bool_]:
    """What there is a verdict on: not of fewer than ten changed rows."""
    return (mid_p(lost, won) < 0.05) & (lost + won >= 10)


def outcomes(rows: int, least: float, most: float) -> tuple[Counts, Counts]:
    """Every pair of counts that two shares between `least` and `most` make likely."""
    low = max(0, round(rows * least - 7 * (rows * least) ** 0.5 - 7))
    high = round(rows * most + 7 * (rows * most) ** 0.5 + 7)
    return tuple(np.meshgrid(*[np.arange(low, high + 1)] * 2, indexing="ij"))  # pyright: ignore[reportReturnType]


def chances(
    lost: Counts, won: Counts, rows: int, difference: float, disagreement: float
) -> NDArray[np.float64]:
    """Of each pair of counts, by the multinomial."""
    shares = (disagreement - difference) / 2, (disagreement + difference) / 2
    kept = rows - lost - won
    logs = gammaln(rows + 1) - gammaln(lost + 1) - gammaln(won + 1) - gammaln(kept + 1)
    return np.exp(logs + xlogy(lost, shares[0]) + xlogy(won, shares[1]) + xlogy(kept, 1 - disagreement))


def enumerated() -> list[Row]:
    """False "differs", power, and the detectable difference."""
    rows = []
    for disagreement, wanted in _FALSE.items():
        lost, won = outcomes(SST2_ROWS, disagreement / 2, disagreement / 2)
        found = chances(lost, won, SST2_ROWS, 0.0, disagreement) @ np.ones(lost.shape[1])
        assert abs(found.sum() - 1) < 1e-6
        differs = (chances(lost, won, SST2_ROWS, 0.0, disagreement) * (mid_p(lost, won) < 0.05)).sum()
        rows.append(near(f'false "differs", {percent(disagreement, 0)} disagreement, 872 rows, enumerated',
                         differs, wanted, 0.0006))  # fmt: skip
    for (difference, disagreement), wanted in _POWER.items():
        lost, won = outcomes(SST2_ROWS, (disagreement - difference) / 2, (disagreement + difference) / 2)
        found = (chances(lost, won, SST2_ROWS, difference, disagreement) * (mid_p(lost, won) < 0.05)).sum()
        rows.append(near(f"power, {100 * difference:g} points at {percent(disagreement, 0)}, enumerated",
                         found, wanted, 0.015))  # fmt: skip
    return rows + [
        _detectable(rows_, disagreement)
        for rows_ in (872, 1821, 25_000)
        for disagreement in (0.03, 0.06, 0.10)
    ]


def _detectable(rows: int, disagreement: float) -> Row:
    lost, won = outcomes(rows, disagreement / 4, 3 * disagreement / 4)
    rejected = differs(lost, won)
    low, high = 0.0, disagreement
    for _ in range(18):
        middle = (low + high) / 2
        found = (chances(lost, won, rows, middle, disagreement) * rejected).sum() >= 0.8
        low, high = (low, middle) if found else (middle, high)
    told = detectable_difference(rows, disagreement)
    what = f"detectable difference, {rows:,} rows, {percent(disagreement, 0)}"
    figure = f"{100 * told:.3f} points, enumerated {100 * high:.3f}"
    return Row(what, figure, "within 0.05 points", abs(told - high) <= 0.0005)


@cache
def judged(lost: int, won: int, rows: int, margin: float) -> Judgement:
    return models_verdict(lost, won, rows, margin)


def _drawn(pairs: int, rows: int, difference: float, disagreement: float, seed: int) -> NDArray[np.int64]:
    shares = [(disagreement - difference) / 2, (disagreement + difference) / 2, 1 - disagreement]
    return np.random.default_rng(seed).multinomial(rows, shares, pairs)[:, :2]


def _share(drawn: NDArray[np.int64], says: Callable[[int, int], bool]) -> float:
    counts, times = np.unique(drawn, axis=0, return_counts=True)
    return float(
        sum(times[k] for k, (lost, won) in enumerate(counts.tolist()) if says(lost, won)) / times.sum()
    )


def simulated(pairs: int) -> list[Row]:
    """The same through `models_verdict`, and "the same" with it."""
    rows = []
    for disagreement, wanted in _FALSE.items():
        drawn = _drawn(pairs, SST2_ROWS, 0.0, disagreement, seed=1)
        found = _share(drawn, lambda lost, won: judged(lost, won, SST2_ROWS, MARGIN).verdict in _DIFFER)
        rows.append(near(f'false "better" or "worse", {percent(disagreement, 0)}, the verdict, {pairs:,} pairs',
                         found, wanted, 0.006))  # fmt: skip
    for (difference, disagreement), wanted in _POWER.items():
        drawn = _drawn(pairs, SST2_ROWS, difference, disagreement, seed=2)
        found = _share(
            drawn, lambda lost, won: judged(lost, won, SST2_ROWS, MARGIN).verdict is Verdict.BETTER
        )
        rows.append(near(f'"better", {100 * difference:g} points at {percent(disagreement, 0)}, the verdict',
                         found, wanted, 0.015))  # fmt: skip
    same = [
        _share(
            _drawn(pairs, ALL_ROWS, truth, 0.06, seed=3),
            lambda lost, won: same_within(lost, won, ALL_ROWS, MARGIN) < ALPHA,
        )
        for truth in (MARGIN, 0.0)
    ]
    rows.append(at_most('"the same within 1 point", the truth is 1 point, 25,000 rows, 6 %', same[0], 0.055))
    rows.append(at_least('"the same within 1 point", the truth is 0 points', same[1], 0.95))
    return rows


_DIFFER = {Verdict.BETTER, Verdict.WORSE}


def gate(pairs: int) -> list[Row]:
    """ "Proved" when INT8 truly loses half a point, at several disagreements; and the worst of them, enumerated."""
    rows = []
    for count in (SST2_ROWS, 2000):
        for disagreement in (LIMIT, 0.01, 0.03):
            drawn = _drawn(pairs, count, -LIMIT, disagreement, seed=4)
            found = _share(drawn, lambda lost, won, count=count: not_worse_by(lost, won, count, LIMIT) < 0.05)
            what = f'gate of 0.5: "proved", the drop is 0.5, {count:,} rows, {percent(disagreement)} changed'
            rows.append(at_most(what, found, 0.055))
    worst = max(
        (_proved(count, disagreement), count, disagreement)
        for count in (SST2_ROWS, 1821, 2000)
        for disagreement in (0.005, 0.0055, 0.006, 0.0075, 0.01, 0.015, 0.02, 0.03, 0.05)
    )
    where = f"the worst of 27, enumerated: {worst[1]:,} rows, {percent(worst[2], 2)}"
    return [*rows, at_most(f'gate of 0.5: "proved", {where}', worst[0], 0.055)]


def _proved(count: int, disagreement: float) -> float:
    lost, won = outcomes(count, (disagreement - LIMIT) / 2, (disagreement + LIMIT) / 2)
    found = chances(lost, won, count, -LIMIT, disagreement)
    likely = found > 1e-9
    proved = [
        not_worse_by(int(a), int(b), count, LIMIT) < 0.05
        for a, b in zip(lost[likely], won[likely], strict=True)
    ]
    return float(found[likely] @ np.array(proved))


def _like(right: NDArray[np.bool_], generator: np.random.Generator) -> NDArray[np.bool_]:
    """The answers of another model, which is a little better, and disagrees on about 6 % of the rows."""
    return (right & (generator.random(len(right)) > 0.025)) | (~right & (generator.random(len(right)) < 0.4))


def through_tables(pairs: int) -> Row:
    """Whether a comparison of real runs, read from their tables, says what the counts say."""
    from comparison.compare_models import compare_models
    from tests.comparison.made_runs import Made, make, reviews
    from tracking.store import Store

    generator, agreed = np.random.default_rng(5), 0
    with TemporaryDirectory() as folder:
        store, rows = Store.open(Path(folder) / "mlruns"), reviews(SST2_ROWS)
        for _ in range(pairs):
            right = generator.random(SST2_ROWS) < 0.9
            other = _like(right, generator)
            names = [make(store, rows, Made(answers)) for answers in (right, other)]
            pair = compare_models(store, names, margin=MARGIN).pairs[0]
            expected = judged(int((right & ~other).sum()), int((~right & other).sum()), SST2_ROWS, MARGIN)
            agreed += pair.verdict == expected.verdict and pair.p == expected.p_differs
    what = f"verdict and p-value of {pairs} pairs of runs, read from their tables, are those of the counts"
    return Row(what, f"{agreed} of {pairs}", "all", agreed == pairs)
