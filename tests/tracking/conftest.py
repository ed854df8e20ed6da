"""Stores, child processes and servers for the tests of tracking."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tracking.entities import Experiment
from tracking.run_log import RunLog
from tracking.store import Store


@pytest.fixture
def store(root: Path) -> Store:
    return _open_quietly(root)


@pytest.fixture
def open_quietly() -> Callable[..., Store]:
    return _open_quietly


@pytest.fixture
def start() -> Callable[..., RunLog]:
    return _start


def _open_quietly(root: Path, uri: str | None = None) -> Store:
    """A store that sends only when it is told to, and does not sample the machine."""
    store = Store.open(root, uri)
    store.send_every_s, store.sample_every_s = 3600.0, 0.0
    return store


def _start(store: Store, name: str = "run", **more: object) -> RunLog:
    settings: dict[str, object] = {
        "experiment": Experiment("reviews", "val/accuracy"),
        "name": name,
        "params": {"lr": 1e-4},
        "tags": {},
        "description": "A run.",
    }
    return store.start_run(**{**settings, **more})  # type: ignore[arg-type]


@pytest.fixture
def child() -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Start Python code in a process of its own; whatever still runs at the end is ended."""
    started: list[subprocess.Popen[str]] = []

    def run(code: str, *arguments: object, **popen: object) -> subprocess.Popen[str]:
        command = [sys.executable, "-c", code, *map(str, arguments)]
        process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **popen
        )  # type: ignore[call-overload]
        started.append(process)
        return process

    yield run
    for process in started:
        process.kill()
        process.communicate()
