"""Stores, child processes and servers for the tests of tracking."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

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
        "experiment": "reviews",
        "name": name,
        "primary_metric": "val/accuracy",
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


@pytest.fixture
def free_port() -> int:
    return _free_port()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Server:
    """A real MLflow server on loopback, over a store of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = _free_port()
        self.uri = f"http://127.0.0.1:{self.port}"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        command = [sys.executable, "-m", "mlflow", "server", "--port", str(self.port), "--workers", "1"]
        stores = ["--backend-store-uri", f"sqlite:///{self.folder / 'mlflow.db'}"]
        artifacts = ["--artifacts-destination", (self.folder / "artifacts").as_uri()]
        environment = {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false", "MLFLOW_DISABLE_TELEMETRY": "true"}
        self.process = subprocess.Popen(
            ["env", *(f"{k}={v}" for k, v in environment.items()), *command, *stores, *artifacts],
            cwd=self.folder,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        while not self._answers():
            assert self.process.poll() is None, "the server ended before it answered"
            time.sleep(0.2)

    def stop(self) -> None:
        """End the server and its worker by their process group."""
        if self.process is not None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
            self.process = None
        while self._answers():
            time.sleep(0.1)

    def _answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.uri}/health", timeout=2):  # noqa: S310
                return True
        except (urllib.error.URLError, OSError):
            return False


@pytest.fixture(scope="session")
def server(migrated: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("server")
    shutil.copy(migrated, folder / "mlflow.db")
    running = Server(folder)
    running.start()
    yield running
    running.stop()
