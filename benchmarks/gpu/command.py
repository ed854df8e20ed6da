"""`python -m benchmarks gpu`: its options, its parts in order, and its report."""

from __future__ import annotations

import argparse
import platform
from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory, mkdtemp
from typing import Any

from benchmarks.gpu import runs, speed
from benchmarks.gpu.cases import Plan
from benchmarks.gpu.results import Budget, Entry, Results
from benchmarks.gpu.tables import runs_table, speed_table, speeds

PARTS = ("runs", "speed")  # the more important first


def add_options(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("gpu")
    group.add_argument("--device", choices=["cuda", "cpu"], default="cuda")
    group.add_argument(
        "--tiny", action="store_true", help="bundled rows and very small models, under a minute"
    )
    group.add_argument("--minutes", type=float, default=30, help="what does not fit is skipped and named")
    group.add_argument(
        "--runs-minutes", type=float, help="of them for `runs` at most; none: as long as it takes"
    )
    group.add_argument("--only", choices=PARTS, action="append", help="a part of it; may be given twice")
    group.add_argument("--lanes", type=int, default=1, help="cases of `runs` at a time")
    group.add_argument(
        "--out", type=Path, help="folder of results.json; none: a new one among the temporary files"
    )


def measure(arguments: argparse.Namespace) -> Results:
    """All parts asked for. SystemExit with 1 where a step failed."""
    data = arguments.real_data / "data"
    real = not arguments.tiny and (data / "sst2").is_dir() and (data / "tinystories").is_dir()
    plan = Plan(arguments.device, arguments.tiny, data if real else None)
    out = arguments.out or Path(mkdtemp(prefix="encore-gpu-"))
    whole = Budget(arguments.minutes)
    results = Results(out, whole, _about(plan))
    print(f"data: {plan.data or 'the bundled rows'}; results: {out / 'results.json'}", flush=True)
    if plan.device == "cpu":
        print("16-mixed is left out: a CPU cannot train in FP16.", flush=True)
    parts = arguments.only or PARTS
    if "runs" in parts:
        results.budget = whole.part(arguments.runs_minutes)
        with TemporaryDirectory(prefix="encore-gpu-runs-") as scratch:
            runs.measure(plan, results, Path(scratch), lanes=arguments.lanes)
        results.budget = whole
    if "speed" in parts:
        with TemporaryDirectory(prefix="encore-gpu-speed-") as scratch:
            speed.measure(plan, results, Path(scratch))
    report(results)
    if any(entry["state"] == "failed" for entry in results.entries):
        raise SystemExit(1)
    return results


def _about(plan: Plan) -> dict[str, Any]:
    import torch

    from benchmarks.results import machine

    cuda = plan.device == "cuda"
    return {
        "machine": machine(),
        "gpu": torch.cuda.get_device_name() if cuda else None,
        "cuda": torch.version.cuda,
        "torch": torch.__version__,
        "python": platform.python_version(),
        "data": str(plan.data or "bundled"),
    }


def report(results: Results) -> None:
    """Printed, and written beside the results."""
    found = speeds(results)
    results.note("speeds", found)
    parts = [f"{results.about['machine']}, {results.about['gpu'] or 'no GPU'}."]
    parts += [runs_table(results)] if results.of("train") else []
    parts += [speed_table(found)] if found else []
    parts += [_skipped(results)]
    parts += dict.fromkeys(_line(entry) for entry in results.entries if entry["state"] == "failed")
    text = "\n\n".join(filter(None, parts))
    (results.folder / "report.md").write_text(text + "\n", encoding="utf-8")
    print(text)


def _skipped(results: Results) -> str:
    """One line: how many steps of each kind had no time."""
    counts = Counter(entry["step"] for entry in results.entries if entry["state"] == "skipped")
    named = ", ".join(f"{what} {count}" for what, count in counts.items())
    return f"No time was left for {counts.total()} steps: {named}." if counts else ""


def _line(entry: Entry) -> str:
    side = f" {entry['side']}" if "side" in entry else ""
    return f"{entry['state']}: {entry['case']}: {entry['step']}{side}: {entry['why']}"
