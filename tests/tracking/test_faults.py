from __future__ import annotations

import http.server
import importlib.util
import os
import socket
import sqlite3
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from errors import UserError
from tracking.addresses import public_uri
from tracking.store import Store


def _fault(root: Path, uri: str | None = None) -> str:
    with pytest.raises(UserError) as error:
        Store.open(root, uri)
    assert "\n" not in str(error.value)
    return str(error.value)


def test_a_locked_store(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tracking.backend.LOCK_WAIT_S", 0.2)
    with closing(sqlite3.connect(root / "mlflow.db", isolation_level=None)) as holder:
        holder.execute("BEGIN EXCLUSIVE")
        message = _fault(root)
    assert "lock" in message
    assert str(root / "mlflow.db") in message
    Store.open(root)


def _set_schema(root: Path, revision: str) -> None:
    with closing(sqlite3.connect(root / "mlflow.db")) as connection:
        connection.execute("UPDATE alembic_version SET version_num = ?", (revision,))
        connection.commit()


def test_a_store_of_a_newer_schema(root: Path) -> None:
    _set_schema(root, "f00dfacef00d")
    message = _fault(root)
    assert "newer MLflow" in message
    assert "f00dfacef00d" in message


def test_a_store_of_an_older_schema(root: Path) -> None:
    _set_schema(root, "451aebb31d03")
    assert "mlflow db upgrade" in _fault(root)


def test_a_file_that_is_no_database(root: Path) -> None:
    (root / "mlflow.db").write_text("hello " * 1000)
    assert "not a database" in _fault(root)
    assert (root / "mlflow.db").read_text().startswith("hello")


def test_a_database_of_something_else_is_not_filled_with_tables(root: Path) -> None:
    (root / "mlflow.db").unlink()
    with closing(sqlite3.connect(root / "mlflow.db")) as connection:
        connection.execute("CREATE TABLE alembic_version (version_num TEXT)")
        connection.commit()
    assert "does not belong to MLflow" in _fault(root)


def test_a_damaged_database(root: Path) -> None:
    content = bytearray((root / "mlflow.db").read_bytes())
    content[100:4096] = b"\xff" * 3996
    (root / "mlflow.db").write_bytes(content)
    assert "damaged" in _fault(root)


@contextmanager
def _read_only(folder: Path) -> Iterator[None]:
    """Modes do not bind root: for root the folder is mounted over itself, read-only."""
    if os.geteuid() != 0:
        folder.chmod(0o555)
        (folder / "mlflow.db").chmod(0o444)
        yield
        folder.chmod(0o755)
        (folder / "mlflow.db").chmod(0o644)
        return
    if subprocess.run(["mount", "--bind", folder, folder], capture_output=True).returncode != 0:
        pytest.skip("root needs the right to mount here")
    try:
        subprocess.run(["mount", "-o", "remount,ro,bind", folder], check=True)
        yield
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)


def test_a_read_only_store(root: Path) -> None:
    with _read_only(root):
        assert "read-only" in _fault(root)
    Store.open(root)


def test_a_server_that_is_not_there(root: Path, free_port: int) -> None:
    message = _fault(root, f"http://user:hunter2@127.0.0.1:{free_port}")
    assert "does not answer" in message
    assert "hunter2" not in message


def test_a_database_server_that_is_not_there(root: Path, free_port: int) -> None:
    message = _fault(root, f"postgresql+psycopg2://user:hunter2@127.0.0.1:{free_port}/mlflow")
    assert "does not answer" in message
    assert "hunter2" not in message


class _Answers(http.server.BaseHTTPRequestHandler):
    status, body = 200, b"<html>"

    def do_GET(self) -> None:
        self.send_response(self.status)
        self.end_headers()
        self.wfile.write(self.body)

    do_POST = do_GET

    def log_message(self, format: str, *args: object) -> None:
        pass


@contextmanager
def _web_server(status: int, body: bytes) -> Iterator[str]:
    handler = type("Handler", (_Answers,), {"status": status, "body": body})
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.mark.parametrize(
    ("status", "body", "said"),
    [
        (200, b"<html>", "no MLflow server"),
        (404, b"", "no MLflow server"),
        (401, b"", "credentials"),
        (403, b"", "credentials"),
        (503, b"", "does not answer"),
    ],
)
def test_a_server_that_will_not_do(root: Path, status: int, body: bytes, said: str) -> None:
    with _web_server(status, body) as uri:
        assert said in _fault(root, uri)


def test_a_server_that_never_answers(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tracking.backend._ANSWER_WAIT_S", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        assert "does not answer" in _fault(root, f"http://127.0.0.1:{silent.getsockname()[1]}")


@pytest.mark.parametrize(
    ("uri", "said"),
    [
        ("file:./mlruns", "plain files"),
        ("./mlruns", "plain files"),
        ("mlruns", "plain files"),
        ("htp://x", "htp: is no kind of tracking store"),
        ("s3://bucket/runs", "s3: is no kind of tracking store"),
        ("databricks", "no runs on Databricks"),
        ("databricks-uc", "no runs on Databricks"),
        ("uc:schema", "no runs on Databricks"),
        ("sqlite://", "names no database file"),
        ("sqlite:///", "names no database file"),
        ("sqlite:///:memory:", "in memory keeps nothing"),
        ("sqlite:////tmp", "names a folder"),
        ("http://", "names no host"),
        ("http://u:hunter2@[::1", "is no address"),
        ("http://u:hunter2@127.0.0.1:99999", "is no address"),
        ("postgresql+nodriver://u:hunter2@127.0.0.1:{port}/x", "no driver postgresql+nodriver"),
        ("mysql+pymysql://u:hunter2@127.0.0.1:{port}/x", "needs the Python package pymysql"),
    ],
)
def test_an_address_that_is_no_store(root: Path, uri: str, said: str) -> None:
    if uri.startswith("mysql") and importlib.util.find_spec("pymysql") is not None:
        pytest.skip("the driver is installed")
    with socket.create_server(("127.0.0.1", 0)) as silent:
        message = _fault(root, uri.format(port=silent.getsockname()[1]))
    assert said in message
    assert "hunter2" not in message


def test_a_device_is_never_replaced_by_a_database(root: Path, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert "names a device" in _fault(root, f"sqlite:///{tmp_path / 'pipe'}")
    assert (tmp_path / "pipe").is_fifo()


class _HalfAnswers(_Answers):
    """Says that it is MLflow, and nothing more."""

    def do_POST(self) -> None:
        time.sleep(30)


def test_a_server_that_answers_once_is_not_waited_for(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tracking.backend._ANSWER_WAIT_S", 0.5)
    monkeypatch.setattr(_HalfAnswers, "body", b"3.17.2")
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), _HalfAnswers) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        assert "does not answer" in _fault(root, f"http://127.0.0.1:{server.server_port}")
        server.shutdown()
        server.block_on_close = False


@pytest.mark.parametrize("body", [b"{not json", b"[1, 2]", b'{"experiments": 5}'])
def test_a_server_that_speaks_otherwise(root: Path, body: bytes) -> None:
    handler = type("Handler", (_Answers,), {"body": b"3.17.2", "do_POST": _answer_with(body)})
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        assert "no MLflow server" in _fault(root, f"http://127.0.0.1:{server.server_port}")
        server.shutdown()


def _answer_with(body: bytes) -> Callable[[_Answers], None]:
    def do_post(handler: _Answers) -> None:
        handler.send_response(200)
        handler.end_headers()
        handler.wfile.write(body)

    return do_post


def test_the_environment_names_the_store(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{root / 'mlflow.db'}")
    assert Store.open(tmp_path / "elsewhere").uri == f"sqlite:///{root / 'mlflow.db'}"


def test_passwords_are_not_shown() -> None:
    assert public_uri("https://me:pw@host:5000/x") == "https://host:5000/x"
    assert public_uri("sqlite:////a@b/mlflow.db") == "sqlite:////a@b/mlflow.db"


@pytest.mark.parametrize("uri", [None, "sqlite:///{}/sub/x.db", "sqlite:///{}/empty.db"])
def test_a_store_that_is_only_looked_at_is_not_made(
    uri: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "empty.db").touch()
    if uri is not None:
        monkeypatch.setenv("MLFLOW_TRACKING_URI", uri.format(tmp_path))
    for root in (tmp_path / "none", tmp_path):
        with pytest.raises(UserError, match="no runs here: there is no such database"):
            Store.open(root, create=False)
    assert [path.name for path in tmp_path.rglob("*")] == ["empty.db"]
    assert (tmp_path / "empty.db").stat().st_size == 0


def test_a_store_elsewhere_is_looked_at_without_making_the_root(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{root / 'mlflow.db'}")
    assert Store.open(tmp_path / "none", create=False).runs() == []
    assert not (tmp_path / "none").exists()


@pytest.mark.parametrize("odd", [" {}", "{}\n", "\t{}", " ", "{}\x1f", "sql\nite:///x.db"])
@pytest.mark.parametrize("address", ["sqlite:///x.db", "http://127.0.0.1:9"])
def test_an_address_with_white_space_is_told_as_that(
    odd: str, address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", odd.format(address))
    with pytest.raises(UserError, match="white space") as raised:
        Store.open(tmp_path / "mlruns")
    assert str(raised.value).isprintable()
    assert list(tmp_path.iterdir()) == []
