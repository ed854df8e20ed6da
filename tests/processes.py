"""`encore` as a process of its own, or in this one."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable

from typer.testing import CliRunner

from cli.main import app


def encore(*arguments: object, **environment: str) -> subprocess.CompletedProcess[str]:
    """A command, waited for. environment: beside that of the tests."""
    return subprocess.run(
        _command(arguments),
        capture_output=True,
        text=True,
        env={**os.environ, **environment},
        check=False,
        timeout=180,
    )


def inside(*arguments: object) -> subprocess.CompletedProcess[str]:
    """A command in this process, which has imported what one of its own would take seconds for."""
    words = [str(argument) for argument in arguments]
    done = CliRunner().invoke(app, words)
    return subprocess.CompletedProcess(words, done.exit_code, done.stdout, done.stderr)


def started(*arguments: object) -> subprocess.Popen[str]:
    """A command that goes on; what it says on stderr can be read."""
    return subprocess.Popen(_command(arguments), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)


def wait_until(holds: Callable[[], bool], process: subprocess.Popen[str], *, seconds: float = 120) -> None:
    """Wait for something that `process` does before it ends."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert process.poll() is None, "it ended before"
        assert time.monotonic() < deadline
        time.sleep(0.1)


def _command(arguments: tuple[object, ...]) -> list[str]:
    return [sys.executable, "-m", "cli", *map(str, arguments)]
