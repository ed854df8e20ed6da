"""Looking at runs: how long a cold command takes, and what memory, in a store of many runs."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks.planted_runs import METRICS, PARAMS, plant
from benchmarks.results import table, write_section
from runs.layout import RunKind, kind_of
from tracking.store import Store

MANY, REPEATS = 10_000, 7
_WHERE = "test/accuracy > 0.9 and optim.learning_rate < 1e-4"
_HEADINGS = ["command", "median s", "slowest s", "peak memory, MiB", "imports mlflow or torch"]
_ASKED = {
    "encore runs": [],
    "encore runs --limit 10000": ["--limit", str(MANY)],
    "encore runs --where …": ["--where", _WHERE],
    "encore runs --where … --sort test/accuracy": ["--where", _WHERE, "--sort", "test/accuracy"],
    "encore runs --sort test/accuracy --columns …": ["--sort", "test/accuracy", "--columns",
                                                     "status,seed,optim.learning_rate,group0/metric_05"],
    "encore runs --where … --csv --limit 10000": ["--where", _WHERE, "--csv", "--limit", str(MANY)],
}  # fmt: skip


def measure() -> None:
    """Cold processes over planted runs; writes the section."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "mlruns"
        Store.open(root, f"sqlite:///{root / 'mlflow.db'}")
        plant(root, MANY)
        size = (root / "mlflow.db").stat().st_size / 2**20
        rows = [[f"`{name}`", *cold(["runs", *words], root)] for name, words in _ASKED.items()]
    head = (
        f"{MANY:,} runs of {METRICS} metrics and {PARAMS} params in {size:,.0f} MiB of SQLite; {REPEATS} cold "
        "processes each. The condition is "
        f"`{_WHERE}`.\n\n"
    )
    write_section("Looking at many runs", "python -m benchmarks looking", head + table(_HEADINGS, rows))


def measure_verbs(root: Path) -> None:
    """Cold processes of the verbs that only read, over a store of real runs; writes the section."""
    runs = Store.read(root).runs()
    finished = [run for run in runs if run.status == "FINISHED" and kind_of(run) == RunKind.TRIAL]
    a, b = (run.run_id for run in [one for one in finished if one.experiment == finished[0].experiment][:2])
    asked = {
        "runs": ["runs"],
        "show A": ["show", a],
        "diff A B": ["diff", a, b],
        "compare A B": ["compare", a, b],
    }
    rows = [[f"`encore {name}`", *cold(words, root)] for name, words in asked.items()]
    head = f"{len(runs):,} real runs in the store; {REPEATS} cold processes each.\n\n"
    write_section(
        "Looking at real runs", "python -m benchmarks verbs --root FOLDER", head + table(_HEADINGS, rows)
    )


def cold(words: Sequence[str], root: Path) -> list[str]:
    """Median and slowest wall time of fresh processes, s, the peak memory of one, MiB, and what large it imports."""
    seconds = [_once([*words, "--root", str(root)]) for _ in range(REPEATS)]
    memory, heavy = _looked_into([*words, "--root", str(root)])
    return [f"{statistics.median(seconds):.2f}", f"{max(seconds):.2f}", f"{memory:.0f}", heavy or "no"]


def _once(words: Sequence[str]) -> float:
    """Wall time of one command, s."""
    begun = time.perf_counter()
    command = [sys.executable, "-m", "cli", *words]
    subprocess.run(command, stdout=subprocess.DEVNULL, env={**os.environ, "COLUMNS": "80"}, check=True)
    return time.perf_counter() - begun


def _looked_into(words: Sequence[str]) -> tuple[float, str]:
    """Peak resident memory, MiB, and the large libraries that were imported.

    From the process's own status: what `wait4` says of a child counts the pages of the process that started it.
    """
    code = (
        "import re, sys, cli.main\n"
        "try: cli.main.main()\n"
        "except SystemExit: pass\n"
        "peak = re.search(r'VmHWM:\\s+(\\d+) kB', open('/proc/self/status').read())[1]\n"
        "print(peak, *sorted({'mlflow', 'torch'} & set(sys.modules)), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code, *words], capture_output=True, text=True, check=True)
    peak, *heavy = done.stderr.splitlines()[-1].split()
    return int(peak) / 1024, " ".join(heavy)
