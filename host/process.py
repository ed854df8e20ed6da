"""Which process writes a run, and whether it still lives."""

from __future__ import annotations

import os
import socket
from dataclasses import dataclass
from pathlib import Path

import psutil

# psutil derives a process's start from the boot time, which moves a little when the clock is set.
_START_TOLERANCE_S = 2.0
_PIDS = 2**31


@dataclass(frozen=True)
class Owner:
    """A process on a host. The start time tells a process from a later one with the same pid."""

    host: str
    pid: int
    started_s: float

    @classmethod
    def current(cls) -> Owner:
        return cls(socket.gethostname(), os.getpid(), round(psutil.Process().create_time(), 2))

    @classmethod
    def parse(cls, tag: str) -> Owner | None:
        """The owner that `str()` wrote; None when `tag` is not of that form."""
        host, _, rest = tag.partition(":")
        pid, _, started = rest.partition(":")
        try:
            owner = cls(host, int(pid), float(started))
        except ValueError:
            return None
        return owner if 0 < owner.pid < _PIDS else None

    def __str__(self) -> str:
        return f"{self.host}:{self.pid}:{self.started_s:.2f}"

    def is_here(self) -> bool:
        return self.host == socket.gethostname()

    def is_alive(self) -> bool:
        """Whether the process runs on this machine; ask only where `is_here`."""
        try:
            process = psutil.Process(self.pid)
            started = process.create_time()
            zombie = process.status() == psutil.STATUS_ZOMBIE
        except psutil.NoSuchProcess:
            return False
        return not zombie and abs(started - self.started_s) <= _START_TOLERANCE_S


def pid_namespace() -> int:
    """Identifies the set of processes that this one can see; 0 where the system has no such thing.

    Two containers may share a host name and a folder, and not see each other's processes: then a
    pid that is not found proves nothing.
    """
    namespace = Path("/proc/self/ns/pid")
    return namespace.stat().st_ino if namespace.exists() else 0
