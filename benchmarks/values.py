"""What becomes of whatever is typed: 10,000 drawn overrides, YAML texts, names and roots.

Each is taken as it was typed or refused in one line; anything else ends the measurement with the case that did it.
"""

from __future__ import annotations

import os
import resource
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from hypothesis import Phase, given, settings
from hypothesis.strategies import SearchStrategy

from benchmarks.results import table, write_section
from tests.schema import drawn

EXAMPLES = int(os.environ.get("ENCORE_EXAMPLES", "10000"))
_SHARES = {
    "KEY=VALUE": (0.5, drawn.overrides, drawn.judge_override),
    "YAML texts": (0.2, drawn.yaml_texts, drawn.judge_yaml),
    "JSON as YAML": (0.1, drawn.structures, drawn.judge_structure),
    "names and IDs": (0.1, drawn.names, drawn.judge_name),
    "roots": (0.1, drawn.roots, drawn.judge_root),
}


@dataclass
class _Tally:
    outcomes: Counter[str] = field(default_factory=Counter)
    slowest_s: float = 0.0
    slowest_cpu_s: float = 0.0

    def add(self, judge: Callable[[Any], None], case: Any) -> None:
        begun, begun_cpu = time.perf_counter(), time.process_time()
        self.outcomes[drawn.outcome(judge, case)] += 1
        self.slowest_s = max(self.slowest_s, time.perf_counter() - begun)
        self.slowest_cpu_s = max(self.slowest_cpu_s, time.process_time() - begun_cpu)


def _drawn(strategy: SearchStrategy[Any], judge: Callable[[Any], None], examples: int) -> _Tally:
    tally = _Tally()

    @settings(max_examples=examples, deadline=None, database=None, phases=[Phase.generate], derandomize=True)
    @given(strategy)
    def each(case: Any) -> None:
        tally.add(judge, case)

    each()
    return tally


def _peak_mib() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def measure() -> None:
    """Draw, judge and count; writes the section."""
    drawn.outcome(
        drawn.judge_override, ("demo_reviews", "seed", "1")
    )  # what is imported late is no case's memory
    before, rows = _peak_mib(), []
    for kind, (share, strategy, judge) in _SHARES.items():
        tally = _drawn(strategy, judge, round(share * EXAMPLES))
        taken, refused = tally.outcomes["taken"], tally.outcomes["refused"]
        rows.append(
            [
                kind,
                taken + refused,
                taken,
                refused,
                f"{1000 * tally.slowest_s:.0f}",
                f"{1000 * tally.slowest_cpu_s:.0f}",
            ]
        )
    headings = ["drawn", "cases", "taken as typed", "refused in one line", "slowest, ms", "of CPU time, ms"]
    grown = (
        f"\n\nMemory over the start: {_peak_mib() - before:.0f} MiB, what hypothesis itself keeps among it."
    )
    write_section("Whatever is typed", "python -m benchmarks values", table(headings, rows) + grown)
