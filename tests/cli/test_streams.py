"""What becomes of a command's words where nobody takes them: real processes, real descriptors."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tracking.store import Store

NAME = "em — dash 😀 é"


def shell(redirection: str, *words: object, **environment: str) -> subprocess.CompletedProcess[str]:
    command = f'"$@" {redirection}'
    return subprocess.run(
        ["bash", "-c", command, "bash", sys.executable, "-m", "cli", *map(str, words)],
        capture_output=True,
        text=True,
        encoding="utf-8",
        env={**os.environ, **environment},
        check=False,
        timeout=180,
    )


def told(process: subprocess.CompletedProcess[str]) -> str:
    assert process.returncode == 2, process.stderr
    (line,) = process.stderr.strip().splitlines()
    return line


@pytest.fixture
def named(root: Path) -> Path:
    client = Store.open(root).client
    run = client.create_run("0", run_name=NAME)
    client.set_terminated(run.info.run_id)
    return root


@pytest.mark.parametrize("words", [["catalog"], ["catalog", "--json"], ["--help"]])
def test_a_full_disk_under_stdout(words: list[str]) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("this system has no /dev/full")
    assert "stdout: the result cannot be written" in told(shell("> /dev/full", *words))


def test_a_closed_stdout_is_told_before_anything_is_done(tmp_path: Path) -> None:
    process = shell(">&-", "train", "demo_reviews", "--root", tmp_path / "mlruns")
    assert told(process).startswith("encore: stdout: is closed")
    assert not (tmp_path / "mlruns").exists()


def test_a_closed_stderr_and_stdin_do_not_matter() -> None:
    process = shell("2>&- <&-", "catalog", "--json")
    assert process.returncode == 0
    assert "demo_reviews" in json.loads(process.stdout)["experiments"]
    assert shell("2>&-", "show", "zz", "--root", "/nowhere").returncode == 2


@pytest.mark.parametrize("words", ["catalog", "catalog --json", "--help"])
def test_a_reader_that_has_gone_is_no_error(words: str) -> None:
    process = shell("| true; exit ${PIPESTATUS[0]}", *words.split())
    assert (process.returncode, process.stderr) == (0, "")


@pytest.mark.slow
@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "utf-8"])
def test_no_encoding_breaks_a_name(named: Path, encoding: str) -> None:
    listed = shell("", "runs", "--json", "--root", named, PYTHONIOENCODING=encoding)
    assert [run["name"] for run in json.loads(listed.stdout)] == [NAME]
    table = shell("", "runs", "--root", named, PYTHONIOENCODING="ascii")
    assert table.returncode == 0, table.stderr
    assert r"em \u2014 dash" in table.stdout
