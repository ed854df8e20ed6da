"""`encore` as a user calls it: in a process of its own, asked for JSON, and killed where that is measured."""

from __future__ import annotations

import json
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path
from typing import IO


def command(root: Path, *arguments: str) -> list[str]:
    return [sys.executable, "-m", "cli", *arguments, "--root", str(root), "--json"]


def encore(root: Path, *arguments: str, timeout_s: float | None = None) -> dict[str, object]:
    """The JSON that a command prints. RuntimeError with what it said on stderr where it prints none.

    Raises:
        TimeoutExpired: it took longer than `timeout_s`, and was killed.
    """
    process = subprocess.run(
        command(root, *arguments), capture_output=True, text=True, check=False, timeout=timeout_s
    )
    if not process.stdout:
        raise RuntimeError(process.stderr)
    return json.loads(process.stdout)


def begun(
    root: Path, *arguments: str, stderr: int | IO[bytes] = subprocess.DEVNULL
) -> subprocess.Popen[bytes]:
    """A command that goes on by itself. stderr: an open file for what it says there."""
    return subprocess.Popen(command(root, *arguments), stdout=subprocess.DEVNULL, stderr=stderr)


def checkpointed(
    root: Path, process: subprocess.Popen[bytes], known: set[str], *, timeout_s: float | None = None
) -> str:
    """The run of `process`, once it has a checkpoint. known: runs that are others'.

    RuntimeError where the process ends before, and, with `timeout_s`, TimeoutExpired where it takes longer.
    """
    from host.process import Owner

    begin = time.monotonic()
    while True:
        for folder in root.glob("artifacts/*/*/artifacts/checkpoints"):
            run_id = folder.parent.parent.name
            if run_id in known or not list(folder.glob("*.ckpt")):
                continue
            owner = Owner.parse(str(_owner(root, run_id)))
            if owner is not None and owner.pid == process.pid:
                return run_id
            known.add(run_id)
        if process.poll() is not None:
            raise RuntimeError(f"the run ended with {process.returncode} before its first checkpoint")
        if timeout_s is not None and time.monotonic() - begin > timeout_s:
            raise subprocess.TimeoutExpired(process.args, timeout_s)
        time.sleep(0.02)


def _owner(root: Path, run_id: str) -> object:
    """From the database itself: a command would take seconds."""
    with closing(sqlite3.connect(root / "mlflow.db", timeout=30)) as connection:
        row = connection.execute(
            "SELECT value FROM tags WHERE key = 'encore.owner' AND run_uuid = ?", (run_id,)
        ).fetchone()
    return row[0] if row else ""


def kill(process: subprocess.Popen[bytes], after_s: float) -> bool:
    """SIGKILL after so many seconds; whether the process was still there."""
    try:
        process.wait(after_s)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGKILL)
        process.wait()
        return True
    return False
