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
    """Runs both commands of `make demo` in an empty store; writes the section."""
    with TemporaryDirectory(prefix="encore-bench-") as scratch:
        sweep, memory = _ran("sweep", "demo", root=f"{scratch}/mlruns")
        stories, more = _ran("train", "demo_stories", root=f"{scratch}/mlruns")
    total = sweep + stories
    rows = [
        ["wall time", f"{int(total // 60)} min {total % 60:.0f} s", "at most 4 minutes"],
        ["of that the storyteller, from command to story", f"{stories:.0f} s", "under 1 minute"],
        ["peak resident memory", f"{max(memory, more) / 2**30:.2f} GiB", "under 3 GiB"],
    ]
    write_section("The demo", "python -m benchmarks demo", table(["what", "measured", "wanted"], rows))


def _ran(*arguments: str, root: str) -> tuple[float, int]:
    """Seconds of one `encore` command, and the most memory of it in bytes."""
    began = time.perf_counter()
    process = subprocess.Popen([str(Path(sys.executable).parent / "encore"), *arguments, "--root", root])
    peak = _Peak(process.pid)
    peak.start()
    code = process.wait()
    assert code == 0, f"{arguments} ended with exit code {code}"
    return time.perf_counter() - began, peak.bytes


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
