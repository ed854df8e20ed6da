"""How long the demo takes after set-up and how much memory it holds at most."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import psutil

from benchmarks.results import table, write_section


def measure() -> None:
    """Runs `encore sweep demo` in an empty store, as `make demo` does; writes the section."""
    with TemporaryDirectory(prefix="encore-bench-") as scratch:
        command = [
            str(Path(sys.executable).parent / "encore"),
            "sweep",
            "demo",
            "--root",
            f"{scratch}/mlruns",
        ]
        began = time.perf_counter()
        process = subprocess.Popen(command)
        peak = _Peak(process.pid)
        peak.start()
        code = process.wait()
        seconds = time.perf_counter() - began
        assert code == 0, f"the demo ended with exit code {code}"
    rows = [
        ["wall time", f"{int(seconds // 60)} min {seconds % 60:.0f} s", "at most 4 minutes"],
        ["peak resident memory", f"{peak.bytes / 2**30:.2f} GiB", "under 3 GiB"],
    ]
    write_section("The demo", "python -m benchmarks demo", table(["what", "measured", "wanted"], rows))


class _Peak(threading.Thread):
    """Largest resident memory of a process and its children, sampled four times a second."""

    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self.process = psutil.Process(pid)
        self.bytes = 0

    def run(self) -> None:
        while self.process.is_running() and self.process.status() != psutil.STATUS_ZOMBIE:
            family = [self.process, *self.process.children(recursive=True)]
            self.bytes = max(self.bytes, sum(member.memory_info().rss for member in family))
            time.sleep(0.25)
