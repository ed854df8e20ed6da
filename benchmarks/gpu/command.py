"""`python -m benchmarks gpu`: its options, its parts in order, and its report."""

from __future__ import annotations

import argparse
import platform
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
    results = Results(out, Budget(arguments.minutes), _about(plan))
    print(f"data: {plan.data or 'the bundled rows'}; results: {out / 'results.json'}", flush=True)
    if plan.device == "cpu":
        print("16-mixed is left out: a CPU cannot train in FP16.", flush=True)
    parts = arguments.only or PARTS
    with TemporaryDirectory(prefix="encore-gpu-runs-") as scratch:
        if "runs" in parts:
            runs.measure(plan, results, Path(scratch) / "mlruns", lanes=arguments.lanes)
        if "speed" in parts:
            speed.measure(plan, results)
    _report(results)
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
        "configs": {
            str(case): [plan.experiment(case.family), *plan.overrides(case)] for case in plan.cases()
        },
    }


def _report(results: Results) -> None:
    found = speeds(results)
    results.note("speeds", found)
    parts = [f"{results.about['machine']}, {results.about['gpu'] or 'no GPU'}."]
    parts += [runs_table(results)] if results.of("train") else []
    parts += [speed_table(found)] if found else []
    for state in ("skipped", "failed"):
        parts += dict.fromkeys(_line(entry) for entry in results.entries if entry["state"] == state)
    text = "\n\n".join(parts)
    (results.folder / "report.md").write_text(text + "\n", encoding="utf-8")
    print(text)


def _line(entry: Entry) -> str:
    side = f" {entry['side']}" if "side" in entry else ""
    return f"{entry['state']}: {entry['case']}: {entry['step']}{side}: {entry['why']}"
