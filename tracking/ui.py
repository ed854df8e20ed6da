"""The MLflow UI over a store, as a child process that ends with this one's Ctrl-C."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import IO

from errors import UserError
from host.boundary import boundary, first_line
from host.model_folder import private_folder
from tracking.addresses import public_uri, sqlite_path, sqlite_uri
from tracking.store import Store

_START_WAIT_S = 90.0
_END_WAIT_S = 10.0
_ANY_ADDRESS = ("0.0.0.0", "::")  # noqa: S104  compared with, never bound by default


def own_address(store: Store) -> str | None:
    """Of a store that is a server, and so has a UI of its own."""
    return public_uri(store.uri) if store.uri.startswith(("http:", "https:")) else None


def can_show() -> bool:
    """Whether a browser would have a screen to open on."""
    return sys.platform == "darwin" or any(os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY"))


def serve(store: Store, host: str, port: int, *, announce: Callable[[str], None]) -> int:
    """Serve the UI until Ctrl-C or SIGTERM; return the exit code (0 when the user ended it).

    `announce` is given the address once it answers. Only this machine can reach 127.0.0.1. MLflow checks the Host
    header of what it is asked: localhost and private networks are let in, more with MLFLOW_SERVER_ALLOWED_HOSTS.
    What MLflow says goes to a file, since it says a line for each request.

    Raises:
        UserError: the port is taken, or the host is not this machine's.
    """
    _require_free(host, port)
    with (
        private_folder({}, {}) as empty,
        _log_file(store.root) as log,
        _ended(_start(store, host, port, empty, log)) as child,
        contextlib.suppress(KeyboardInterrupt),
        _sigterm_as_interrupt(),
    ):
        address = address_of(host, port)
        if not _wait_until_ready(child, address):
            raise _silent(child, address, Path(log.name))
        announce(address)
        return child.wait()
    return 0


def address_of(host: str, port: int) -> str:
    """As a browser on this machine opens it."""
    if host in _ANY_ADDRESS:
        return f"http://127.0.0.1:{port}"
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


@contextmanager
def _log_file(root: Path) -> Generator[IO[bytes]]:
    """`mlflow-ui.log` under the root's `debug/`, or among the temporary files where nothing can be written there."""
    folder = root / "debug"
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        file = (folder / "mlflow-ui.log").open("wb")
    except OSError:
        file = tempfile.NamedTemporaryFile(prefix="mlflow-ui-", suffix=".log", delete=False)  # noqa: SIM115
    with file as opened:
        yield opened


def _silent(child: subprocess.Popen[bytes], address: str, log: Path) -> UserError:
    return UserError(
        f"the MLflow UI did not answer within {_START_WAIT_S:.0f} s"
        if child.poll() is None
        else f"the MLflow UI ended at once, with code {child.returncode}",
        where=address,
        cure=f"What it said stands in {log}.",
    )


def _start(store: Store, host: str, port: int, folder: Path, log: IO[bytes]) -> subprocess.Popen[bytes]:
    """The server in a process group of its own: it starts workers, and all are to end together.

    folder: an empty one, where it runs. Python and uvicorn import from where they run what lies there, such as a
    `mlflow/` in somebody else's folder of runs.
    """
    command = [
        sys.executable,
        "-m",
        "mlflow",
        "server",
        "--host",
        host,
        "--port",
        str(port),
        "--workers",
        "1",
    ]
    artifacts = ["--default-artifact-root", (store.root / "artifacts").as_uri(), "--no-serve-artifacts"]
    # In the environment, not on the command line, where `ps` would show a database's password.
    # No job runners: they are for scheduled scorers, and would be three more processes.
    environment = {
        **os.environ,
        "PYTHONSAFEPATH": "1",
        "MLFLOW_BACKEND_STORE_URI": _from_anywhere(store.uri),
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
        "MLFLOW_DISABLE_TELEMETRY": "true",
    }
    with boundary(
        "the MLflow UI cannot be started", where=sys.executable, cure="Look at `python -m mlflow`."
    ):
        return subprocess.Popen(
            [*command, *artifacts],
            env=environment,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            cwd=folder,
        )


def _from_anywhere(uri: str) -> str:
    """The same address for a process that runs in another folder."""
    if not uri.startswith("sqlite"):
        return uri
    scheme, (_, *query) = uri.partition(":")[0], uri.partition("?")
    return "".join([scheme, sqlite_uri(sqlite_path(uri)).removeprefix("sqlite"), *query])


def _require_free(host: str, port: int) -> None:
    try:
        with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((host, port))
    except Exception as error:  # an OSError, or what a host's name cannot be encoded as
        raise UserError(
            f"cannot listen here ({getattr(error, 'strerror', None) or first_line(error)})",
            where=f"{host}:{port}",
            cure=f"Choose another port, for example --port {port + 1}, or end what uses this one.",
        ) from error


def _wait_until_ready(child: subprocess.Popen[bytes], address: str) -> bool:
    """Whether the server answers; False when it ended or took too long."""
    deadline = time.monotonic() + _START_WAIT_S
    while child.poll() is None and time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(f"{address}/health", timeout=2):  # noqa: S310  our own http address
                return True
        except (urllib.error.URLError, OSError):
            time.sleep(0.2)
    return False


@contextmanager
def _ended(child: subprocess.Popen[bytes]) -> Generator[subprocess.Popen[bytes]]:
    """End the child's whole process group on the way out, gently first."""
    try:
        yield child
    finally:
        for signal_number in (signal.SIGTERM, signal.SIGKILL):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(child.pid, signal_number)
            with contextlib.suppress(subprocess.TimeoutExpired):
                child.wait(_END_WAIT_S)
                break


@contextmanager
def _sigterm_as_interrupt() -> Generator[None]:
    """`kill` ends the server too, not only Ctrl-C."""

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
