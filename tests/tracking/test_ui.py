from __future__ import annotations

import signal
import socket
import subprocess
import urllib.request
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import psutil
import pytest

from errors import UserError
from tracking.store import Store
from tracking.ui import address_of, own_address, serve

Child = Callable[..., subprocess.Popen[str]]


def test_a_port_that_is_taken(store: Store) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(UserError, match=f"127.0.0.1:{port}.*--port"):
            serve(store, "127.0.0.1", port, announce=print)


def test_a_server_has_its_own_ui_and_no_password_in_its_address(store: Store) -> None:
    assert own_address(store) is None
    store.uri = "http://somebody:hidden@tracking.example:5000"
    assert own_address(store) == "http://tracking.example:5000"


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("127.0.0.1", "http://127.0.0.1:5000"),
        ("::1", "http://[::1]:5000"),
        ("0.0.0.0", "http://127.0.0.1:5000"),  # noqa: S104
        ("localhost", "http://localhost:5000"),
    ],
)
def test_an_address_is_one_that_a_browser_opens(host: str, address: str) -> None:
    assert address_of(host, 5000) == address
    assert urlsplit(address_of(host, 5000)).port == 5000


_SERVE = """
import os, signal, sys
from pathlib import Path
signal.signal(signal.SIGINT, signal.default_int_handler)  # shells start background jobs with it ignored
from tracking.store import Store
from tracking.ui import serve
store = Store.open(Path(sys.argv[1]))
os.chdir(sys.argv[1])  # as who looks at somebody's runs does
sys.exit(serve(store, "127.0.0.1", int(sys.argv[2]), announce=lambda address: print(address, flush=True)))
"""


@pytest.mark.slow
@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGTERM])
def test_the_ui_answers_and_ends_with_all_its_processes(
    root: Path, child: Child, free_port: int, end: signal.Signals
) -> None:
    for name in ("mlflow", "uvicorn", "logging"):
        (root / f"{name}.py").write_text(f"open({str(root / 'marker')!r}, 'w')")
    process = child(_SERVE, root, free_port)
    assert process.stdout is not None
    address = process.stdout.readline().strip()
    assert address == f"http://127.0.0.1:{free_port}"
    with urllib.request.urlopen(address, timeout=30) as page:  # noqa: S310
        assert b"mlflow" in page.read().lower()
    assert not (root / "marker").exists()
    assert "GET /" in (root / "debug" / "mlflow-ui.log").read_text()
    started = psutil.Process(process.pid).children(recursive=True)
    assert started
    process.send_signal(end)
    assert process.wait(60) == 0
    _, alive = psutil.wait_procs(started, timeout=30)
    assert alive == []
