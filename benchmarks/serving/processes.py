"""A server as a process, on cores of its own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from benchmarks.mlflow_server import free_port_here

_HOME = Path(__file__).resolve().parents[2]
_MIB = 2**20


@dataclass(frozen=True)
class Server:
    """ready_s: from its start to the open port."""

    process: subprocess.Popen[str]
    port: int
    ready_s: float

    def resident_mib(self) -> float:
        """Memory that it has now."""
        pages = int(Path(f"/proc/{self.process.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGESIZE") / _MIB

    def pin(self, *, model: int, rest: int) -> None:
        """The event loop's thread, the process's first, runs on core `rest`, those of the model on core `model`."""
        for task in os.listdir(f"/proc/{self.process.pid}/task"):
            os.sched_setaffinity(int(task), {rest if int(task) == self.process.pid else model})


@contextmanager
def serving(named: object, *options: object) -> Iterator[Server]:
    """`encore serve`, until the block ends."""
    port = free_port_here()
    command = [sys.executable, "-m", "cli", "serve", str(named), "--port", str(port), *map(str, options)]
    with started(command, port) as server:
        yield server


@contextmanager
def started(command: Sequence[str], port: int) -> Iterator[Server]:
    """Any server that says a line on stdout when its port is open."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    began = time.perf_counter()
    process = subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        cwd=_HOME,
        env=environment,
        start_new_session=True,
    )
    assert process.stdout is not None
    try:
        assert process.stdout.readline().startswith("http"), "it did not start"
        yield Server(process, port, time.perf_counter() - began)
    finally:
        process.terminate()
        process.wait(60)
        with suppress(ProcessLookupError):  # LitServe leaves the processes of its workers
            os.killpg(process.pid, signal.SIGKILL)
        process.stdout.close()


def ready(bundle: Path) -> tuple[float, float]:
    """Of three starts the median seconds to the open port, and of MiB above the model file."""
    seconds, more = [], []
    for _ in range(3):
        with serving(bundle) as server:
            seconds.append(server.ready_s)
            more.append(server.resident_mib() - (bundle / "model.onnx").stat().st_size / _MIB)
    return median(seconds), median(more)
