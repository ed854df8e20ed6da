"""Whatever a server's description allows, and what it does not, asked by schemathesis with all its checks."""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from benchmarks.serving.processes import Server

ALLOWED_OF_STORIES = """
[checks.positive_data_acceptance]
expected-statuses = [200, 401, 404, 422]
"""
"""Prompt and most tokens, and prompts and n, have limits together, which no schema says; no other model is served."""


def asked(port: int, cases: int, folder: Path, *, stories: bool, timeout_s: float) -> tuple[int, str]:
    """The exit code of schemathesis, 0 where it found nothing, and what it printed. cases: of each route.

    folder: where its settings are put.
    """
    if stories:
        (folder / "schemathesis.toml").write_text(ALLOWED_OF_STORIES)
    command: Sequence[str] = [
        sys.executable, "-m", "schemathesis.cli", "run", f"http://127.0.0.1:{port}/openapi.json",
        "--checks", "all", "--max-examples", str(cases), "--no-color",
    ]  # fmt: skip
    found = subprocess.run(
        command, capture_output=True, text=True, check=False, cwd=folder, timeout=timeout_s
    )
    return found.returncode, found.stdout


def contract(server: Server, cases: int, *, stories: bool) -> list[object]:
    """A row of the table."""
    before = server.resident_mib()
    with tempfile.TemporaryDirectory() as folder:
        code, said = asked(server.port, cases, Path(folder), stories=stories, timeout_s=7200)
    counted = re.search(r"Test cases:\s+(.+)", said)
    assert counted is not None, said[-2000:]
    more = 100 * (server.resident_mib() / before - 1)
    return [
        f"schemathesis, all checks, {cases:,} cases of the route that computes, and of the others; memory",
        f"{counted.group(1)}; {'nothing found' if code == 0 else said[-2000:]}; {more:+.1f} %",
    ]
