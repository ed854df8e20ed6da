"""Arrivals by chance, at 70 % of what the model can answer, against a queue that costs nothing itself."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from statistics import median

import numpy as np

from benchmarks.serving.bare import queue_s, services_s

_DRAWS = 9
_SECONDS = 10.0
_LOAD = 0.7


def over_ideal_queue(
    bundle: Path, texts: list[str], answered: Callable[[list[float]], list[float]]
) -> list[list[object]]:
    """Rows of the table: the p99 over that of two ideal queues that are fed the same arrivals, of each draw.

    One is reckoned from calls that were timed one after another; the other is run, so that its calls, too, come after
    pauses in which the machine's other guests have had the cache. Both stand around the server's turn in time.
    answered: from the times when texts arrive, in turn, to the seconds from those times until the answers.
    """
    reckoned, run, p99s = [], [], []
    for seed in range(_DRAWS):
        services = services_s(bundle, texts)
        draw = np.random.default_rng(seed)
        count = int(_SECONDS * _LOAD / services.mean())
        times = np.cumsum(draw.exponential(services.mean() / _LOAD, count)).tolist()
        before = _p99(queue_s(bundle, texts, times))
        ours = _p99(answered(times))
        after = _p99(queue_s(bundle, texts, times))
        services = (services + services_s(bundle, texts)) / 2
        reckoned.append(ours / _p99(_ideal(times, services)))
        run.append(2 * ours / (before + after))
        p99s.append(1e3 * ours)
    what = f"p99 of Poisson arrivals at {100 * _LOAD:.0f} %, {_DRAWS} draws, over an ideal queue's"
    return [
        [f"{what}, run", f"{median(run):.2f} × ({_each(run)}); {median(p99s):.1f} ms"],
        [f"{what}, reckoned", f"{median(reckoned):.2f} × ({_each(reckoned)})"],
    ]


def _p99(seconds: list[float]) -> float:
    return float(np.percentile(seconds, 99))


def _each(ratios: list[float]) -> str:
    return ", ".join(f"{ratio:.2f}" for ratio in ratios)


def _ideal(times: list[float], services: np.ndarray) -> list[float]:
    """First come, first served, by one server."""
    free, found = 0.0, []
    for number, at in enumerate(times):
        free = max(free, at) + float(services[number % len(services)])
        found.append(free - at)
    return found
