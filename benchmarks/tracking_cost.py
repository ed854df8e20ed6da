"""What tracking costs a training step: processor time of logging every step, all threads together.

Two timed runs, with and without, differ by more noise than the hundredth that is to be seen, so the cost is
measured by itself: a process logs what a training step logs, at the pace of real steps, to a real store, and
its processor time is read. On a machine with a spare core the wall time added is less.
"""

from __future__ import annotations

import time
from pathlib import Path
from tempfile import TemporaryDirectory

import psutil

from benchmarks.results import table, write_section
from tracking.entities import Experiment

STEP_SECONDS = 0.15  # of a batch of 32 at the wanted speed
STEPS = 300
VALUES = {
    "train/loss": 0.5,
    "train/learning_rate": 1e-4,
    "train/gradient_norm": 1.0,
    "train/examples_per_s": 120.0,
}


def measure() -> None:
    """Writes the section."""
    from tracking.store import Store

    with TemporaryDirectory(prefix="encore-bench-") as scratch:
        store = Store.open(Path(scratch), uri=f"sqlite:///{scratch}/mlflow.db")
        idle = _processor_seconds(lambda _step: None)
        log = store.start_run(
            experiment=Experiment("bench", "train/loss"), name="bench", params={}, tags={}, description=""
        )
        on_caller = 0.0

        def log_step(step: int) -> None:
            nonlocal on_caller
            began = time.perf_counter()
            log.log_metrics(VALUES, step=step)
            on_caller += time.perf_counter() - began

        busy = _processor_seconds(log_step)
        log.finish("FINISHED")
    cost = (busy - idle) / STEPS
    body = (
        f"{STEPS} steps of {STEP_SECONDS * 1000:.0f} ms, {len(VALUES)} metrics each, to a local sqlite store.\n\n"
        + table(
            ["what", "per step", "of a step", "wanted"],
            [
                ["waited for by the training thread", f"{1e6 * on_caller / STEPS:.0f} µs",
                 f"{100 * on_caller / STEPS / STEP_SECONDS:.3f} %", "at most 1 %"],
                ["processor time, all threads", f"{1e3 * cost:.2f} ms", f"{100 * cost / STEP_SECONDS:.2f} %",
                 "at most 1 %"],
            ],
        )
    )  # fmt: skip
    write_section("Cost of tracking", "python -m benchmarks tracking", body)


def _processor_seconds(each_step) -> float:
    process = psutil.Process()
    began = process.cpu_times()
    for step in range(1, STEPS + 1):
        each_step(step)
        time.sleep(STEP_SECONDS)
    ended = process.cpu_times()
    return ended.user + ended.system - began.user - began.system
