"""How long a comparison takes: two runs on 872 rows in a fresh process, and sixty runs on 25,000 rows.

The runs have answers and no training: what is measured reads their records and answers alone.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from benchmarks.results import commit, table, write_section
from tests.comparison.made_runs import Made, Rows, make
from tracking.store import Store

_REPEATS = 5
_HEAVY = ("torch", "mlflow", "pandas")
_OTHERS = 98  # runs in the store beside the two that are compared


def measure() -> None:
    with tempfile.TemporaryDirectory() as folder:
        small = _store(Path(folder) / "small", runs=2 + _OTHERS, rows=872, words=20)
        large = _store(Path(folder) / "large", runs=60, rows=25_000, words=230)
        rows = [
            _timed("`encore runs`, 100 runs in the store", ["runs"], small[0]),
            _timed("`encore show A`, 100 runs in the store", ["show", small[1][0]], small[0]),
            _timed(
                f"`encore compare A B`, 872 rows, {2 + _OTHERS} runs in the store",
                ["compare", *small[1][:2]],
                small[0],
            ),
            _timed("`encore compare A B --all`, 872 rows", ["compare", *small[1][:2], "--all"], small[0]),
            _timed("`encore best sst2`, 100 runs of 872 rows", ["best", "sst2"], small[0]),
            _timed("`encore compare` of 60 runs on 25,000 rows", ["compare", *large[1]], large[0]),
        ]
        heavy = _imported(["compare", *small[1][:2]], small[0])
    write_section(
        "Comparing",
        "python -m benchmarks comparison",
        f"Wall time of a fresh process, and its processor time beside it, since the machine is shared: the median of "
        f"{_REPEATS}, and the quickest. `encore compare A B` imports {', '.join(heavy) or 'neither torch nor mlflow'}. "
        f"Commit {commit()}.\n\n"
        + table(["what", "wall, median s", "wall, least s", "processor, median s"], rows),
    )


def _store(root: Path, *, runs: int, rows: int, words: int) -> tuple[Path, list[str]]:
    generator = np.random.default_rng(0)
    vocabulary = [f"word{number}" for number in range(5000)]
    texts = tuple(" ".join(generator.choice(vocabulary, words)) for _ in range(rows))
    split = Rows(texts, tuple(generator.integers(0, 2, rows).tolist()))
    base, store = generator.random(rows) < 0.9, Store.open(root)
    ids = []
    for number in range(runs):
        right = base ^ (generator.random(rows) < 0.03)
        settings = {"optim.learning_rate": f"{(1 + number) * 1e-6:g}"}
        ids.append(make(store, split, Made(right, seed=number % 5, settings=settings)))
    return root, ids


def _timed(what: str, arguments: list[str], root: Path) -> list[str]:
    walls, processors = [], []
    for _ in range(_REPEATS):
        begin, before = time.perf_counter(), _children_s()
        subprocess.run(_command(arguments, root), check=True, capture_output=True)
        walls.append(time.perf_counter() - begin)
        processors.append(_children_s() - before)
    return [
        what,
        *(f"{value:.2f}" for value in (statistics.median(walls), min(walls), statistics.median(processors))),
    ]


def _children_s() -> float:
    import resource

    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _command(arguments: list[str], root: Path) -> list[str]:
    return [sys.executable, "-m", "cli", *arguments, "--root", str(root)]


def _imported(arguments: list[str], root: Path) -> list[str]:
    code = (
        f"import sys\nsys.argv = ['encore', *{[*arguments, '--root', str(root)]!r}]\nfrom cli.main import main\n"
        "try:\n    main()\nexcept SystemExit:\n    pass\n"
        f"print(*[name for name in {_HEAVY!r} if name in sys.modules], file=sys.stderr)"
    )
    process = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return process.stderr.strip().splitlines()[-1].split() if process.stderr.strip() else []
