"""More than a server can answer: arrivals at 120 % of its capacity, whatever was answered until then."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import uvloop

from benchmarks.serving.client import open_loop
from benchmarks.serving.processes import Server

_WARM_S = 10.0  # after which memory is held to what it was


def overloaded(server: Server, requests: Sequence[bytes], capacity: float, seconds: float) -> list[object]:
    """A row of the table. capacity: answers a second."""
    draw = np.random.default_rng(0)
    times = np.cumsum(draw.exponential(1 / (1.2 * capacity), int(seconds * 1.2 * capacity)))
    uvloop.run(open_loop(server.port, requests, times[times < _WARM_S].tolist()))
    before = server.resident_mib()
    load = uvloop.run(open_loop(server.port, requests, times.tolist()))
    after = server.resident_mib()
    refused = [answer.seconds for answer in load.answers if answer.status == 429]
    good = load.statuses()[200] / load.seconds / capacity
    p99 = f"{1e3 * np.percentile(refused, 99):.0f} ms" if refused else "none"
    return [
        f"{seconds:.0f} s at 120 %: answers; 200s a second over capacity; p99 of a 429; memory",
        f"{load.statuses()}, {load.lost} lost; {good:.2f}; {p99}; {100 * (after / before - 1):+.1f} %",
    ]
