"""SIGTERM, as a scheduler sends it: one line that says what is kept and how to go on, and the exit code of a shell."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.cli.test_main import TINY
from tests.overrides import latest
from tests.processes import inside
from tracking.store import Store

LONG = latest([*TINY, "train.max_steps=20000"])
RUN = r"run ([0-9a-f]{8}) is KILLED in the store"


# Shells start background jobs with SIGINT ignored, and what they start inherits it.
_INTERRUPTIBLE = """
import signal, cli.main
signal.signal(signal.SIGINT, signal.default_int_handler)
cli.main.main()
"""


def _training(root: Path, *overrides: str) -> tuple[subprocess.Popen[str], Path]:
    """A training that has begun its steps, and the folder of its run's files."""
    words = ["train", "demo_reviews", *LONG, *overrides, "--root", str(root)]
    command = [sys.executable, "-c", _INTERRUPTIBLE, *words]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    store, deadline = Store.open(root), time.monotonic() + 120
    while not any(store.metric_history(run.run_id, "train/loss") for run in store.runs()):
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.2)
    folder = store.files.folder(store.runs()[0])
    assert folder is not None
    return process, folder


def _ended(process: subprocess.Popen[str], number: int) -> str:
    """The last line of what it says when the signal ends it."""
    process.send_signal(number)
    if number == signal.SIGTERM:
        process.send_signal(number)  # once more, as by a hasty hand
    shown, said = process.communicate(timeout=120)
    assert process.returncode == {signal.SIGTERM: 143, signal.SIGINT: 130}[signal.Signals(number)], said
    assert shown == ""
    assert "SIGTERM" not in said  # as Lightning says it
    assert "Traceback" not in said
    return said.strip().splitlines()[-1]


@pytest.mark.slow
def test_a_training_is_terminated_and_goes_on(root: Path) -> None:
    process, folder = _training(root, "train.checkpoint_every_steps=2")
    while not list(folder.glob("checkpoints/*.ckpt")):
        time.sleep(0.1)
    line = _ended(process, signal.SIGTERM)
    told = re.fullmatch(
        rf"encore: terminated; {RUN}, `encore resume \1 --root '{re.escape(str(root))}'` goes on from its last "
        "checkpoint; what was finished is kept",
        line,
    )
    assert told, line
    assert Store.open(root).find(told[1]).status == "KILLED"


@pytest.mark.slow
@pytest.mark.parametrize(("number", "word"), [(signal.SIGTERM, "terminated"), (signal.SIGINT, "interrupted")])
def test_without_a_checkpoint_no_resumption_is_promised(root: Path, number: int, word: str) -> None:
    process, folder = _training(root)
    assert not list(folder.glob("checkpoints/*.ckpt"))
    line = _ended(process, number)
    told = re.fullmatch(
        rf"encore: {word}; {RUN}, the same command begins anew; what was finished is kept", line
    )
    assert told, line
    assert "no checkpoint" in inside("resume", told[1], "--root", root).stderr


def test_any_verb_is_terminated_like_that() -> None:
    code = (
        "import os, signal, cli.main\n"
        "cli.main.quiet_environment = lambda: os.kill(os.getpid(), signal.SIGTERM)\n"
        "cli.main.main()"
    )
    process = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert process.returncode == 143
    assert process.stderr == "encore: terminated; what was finished is kept\n"
