from __future__ import annotations

import signal
import socket
import subprocess
import urllib.request
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from errors import UserError
from tracking.store import Store
from tracking.ui import serve

Child = Callable[..., subprocess.Popen[str]]


def test_a_port_that_is_taken(store: Store) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(UserError, match=f"127.0.0.1:{port}.*--port"):
            serve(store, port=port)


def test_a_server_has_its_own_ui(store: Store) -> None:
    store.uri = "http://tracking.example:5000"
    with pytest.raises(UserError, match=r"tracking\.example"):
        serve(store)


_SERVE = """
import os, signal, sys
from pathlib import Path
signal.signal(signal.SIGINT, signal.default_int_handler)  # shells start background jobs with it ignored
from tracking.store import Store
from tracking.ui import serve
store = Store.open(Path(sys.argv[1]))
os.chdir(sys.argv[1])  # as who looks at somebody's runs does
sys.exit(serve(store, port=int(sys.argv[2])))
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
    started = psutil.Process(process.pid).children(recursive=True)
    assert started
    process.send_signal(end)
    assert process.wait(60) == 0
    _, alive = psutil.wait_procs(started, timeout=30)
    assert alive == []
