"""Reaching the store behind a tracking URI: checked first, so that a fault is one line, at once.

Imports mlflow inside the functions: it costs about 3 s, and `encore --help` must not pay it.
"""

from __future__ import annotations

import logging
import os
import re
import socket
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from errors import UserError
from host.disk import disk_errors, exclusive, make_folder, partial_name
from host.sqlite import LOCK_WAIT_S
from host.waiting import answer_within
from tracking.addresses import sqlite_path, sqlite_uri
from tracking.faults import (
    explained,
    no_mlflow,
    no_store,
    nothing_there,
    unclean,
    unreachable,
)

if TYPE_CHECKING:
    from mlflow.tracking import MlflowClient
    from requests import Response

_ANSWER_WAIT_S = 5.0
_SQLITE_PATH_BYTES = 460  # of 512, less what names of a partial file and its journal add
_MLFLOW_TABLES = {"experiments", "runs", "alembic_version"}
# Where MLflow says in full where the files of an experiment's runs and models lie.
_PLACES = (
    ("runs", "artifact_uri"),
    ("logged_models", "artifact_location"),
    ("model_versions", "source"),
    ("model_versions", "storage_location"),
)
_DATABASE_PORTS = {"postgresql": 5432, "mysql": 3306, "mssql": 1433}

# MLflow's own defaults retry for about four minutes. The journal keeps what cannot be sent, so a
# call may give up after a few seconds. A value that the user has set stays.
_MLFLOW_SETTINGS = {
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",
    "MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR": "1",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "30",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
}


def connect(uri: str, root: Path, *, create: bool = True) -> MlflowClient:
    """A client on a store that was seen to answer. create: `root` and a database that are not there yet.

    Raises:
        UserError: the store is locked, read-only, of another schema, no MLflow store, unreachable or, unless
            it is to be created, not there.
    """
    for name, value in _MLFLOW_SETTINGS.items():
        os.environ.setdefault(name, value)
    scheme = _scheme(uri)
    if create:
        make_folder(root, cure="Choose another --root.")
    if scheme == "sqlite":
        path = _named_database(uri)
        with explained(uri):
            _prepare_sqlite(path, root, create=create)
            move_in(uri, root)
    elif scheme in _DATABASE_PORTS:
        _check_port(uri, _DATABASE_PORTS[scheme])
    else:
        _check_server(uri)
    with explained(uri):
        from mlflow.tracking import MlflowClient

        # What it logs here, we raise; and a fresh database is no news.
        logging.getLogger("mlflow.store.db.utils").setLevel(logging.CRITICAL)
        client = MlflowClient(tracking_uri=uri)
        client.search_experiments(max_results=1)
    return client


def _scheme(uri: str) -> str:
    """What kind of store `uri` names; UserError for one that Encore cannot use."""
    if uri != uri.strip() or any(character < " " for character in uri):
        raise unclean(uri)
    try:
        parts = urlsplit(uri)
        _ = parts.port  # a number that is none raises when it is asked for
    except ValueError as error:
        raise no_store(uri, f"is no address ({error})") from error
    scheme = parts.scheme.partition("+")[0]
    if scheme in ("http", "https") and not parts.hostname:
        raise no_store(uri, "names no host")
    if scheme in ("sqlite", "http", "https", *_DATABASE_PORTS):
        return scheme
    if uri.startswith("databricks") or scheme == "uc":
        raise no_store(uri, "Encore keeps no runs on Databricks")
    if scheme == "file" or "/" in uri.partition(":")[0] or not scheme:
        raise no_store(uri, "MLflow no longer writes runs as plain files")
    raise no_store(uri, f"{scheme}: is no kind of tracking store that Encore knows")


def _named_database(uri: str) -> Path:
    """The file that a `sqlite:` URI names; UserError where it names none."""
    file = uri.partition(":///")[2]
    if not file:
        raise no_store(uri, "names no database file")
    if file == ":memory:":
        raise no_store(uri, "a database in memory keeps nothing")
    path = sqlite_path(uri)
    if path.exists() and not path.is_file():  # a device looks empty, and a new database would take its name
        raise no_store(uri, f"names a {'folder' if path.is_dir() else 'device'}, not a database file")
    return path


def _prepare_sqlite(path: Path, root: Path, *, create: bool) -> None:
    if (length := len(os.fsencode(path))) > _SQLITE_PATH_BYTES:
        raise UserError(
            f"the path has {length:,} bytes, and SQLite takes {_SQLITE_PATH_BYTES}",
            where=str(path),
            cure="Choose another --root.",
        )
    if not path.exists() or path.stat().st_size == 0:
        if not create:
            raise nothing_there(path)
        make_folder(path.parent, cure="Name a database in another folder.")
        _create_sqlite(path, root)
    _check_sqlite(path)


def _create_sqlite(path: Path, root: Path) -> None:
    """Migrate a new database under another name, then put it in place whole.

    MLflow's migrations take seconds, race when several processes start them, and leave half a
    schema when they are killed; under a lock and a rename none of that can be seen.
    """
    with exclusive(path.with_name(f".{path.name}.create.lock")), disk_errors(path):
        if path.exists() and path.stat().st_size > 0:
            return
        from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore

        logging.getLogger("mlflow.store.db.utils").setLevel(logging.CRITICAL)
        partial = partial_name(path)
        try:
            SqlAlchemyStore(sqlite_uri(partial), (root / "artifacts").as_uri()).engine.dispose()
            partial.replace(path)
        finally:
            partial.unlink(missing_ok=True)


def _check_sqlite(path: Path) -> None:
    with closing(sqlite3.connect(path, timeout=LOCK_WAIT_S, isolation_level=None)) as connection:
        connection.execute("BEGIN IMMEDIATE")  # asks for the write lock
        tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type='table'")}
        if tables >= _MLFLOW_TABLES:  # a write, taken back: the lock is granted on a read-only file too
            connection.execute("UPDATE alembic_version SET version_num = version_num")
        connection.execute("ROLLBACK")
    if not tables >= _MLFLOW_TABLES:
        raise UserError(
            "this database does not belong to MLflow",
            where=str(path),
            cure="Set MLFLOW_TRACKING_URI to another file, or move this one away.",
        )


def move_in(uri: str, root: Path) -> None:
    """Have the database of a store that was copied or moved here speak of the artifacts here.

    MLflow records the artifacts' place in full. An experiment counts as moved when its folder stands under
    `root` by the name that its recorded place ends with, and is another folder. While a run is going on
    nothing is moved: its process may see the same folder under another name.
    """
    if not uri.startswith("sqlite") or (path := sqlite_path(uri)).parent != root:
        return
    with closing(sqlite3.connect(path, timeout=LOCK_WAIT_S)) as connection, connection:
        if connection.execute("SELECT 1 FROM runs WHERE status = 'RUNNING' LIMIT 1").fetchone():
            return
        rows = connection.execute("SELECT experiment_id, artifact_location FROM experiments").fetchall()
        for experiment, recorded in rows:
            if (folder := moved_folder(recorded or "", root)) is None:
                continue
            connection.execute(
                "UPDATE experiments SET artifact_location = ? WHERE experiment_id = ?",
                (folder.as_uri(), experiment),
            )
            for table, column in _PLACES:
                connection.execute(
                    f"UPDATE {table} SET {column} = ? || substr({column}, ?) WHERE substr({column}, 1, ?) = ?",  # noqa: S608
                    (folder.as_uri(), len(recorded) + 1, len(recorded) + 1, f"{recorded}/"),
                )


def has_run(path: Path, run_id: str) -> bool:
    """Whether the database at `path` has a run."""
    with closing(sqlite3.connect(path, timeout=LOCK_WAIT_S)) as connection:
        return connection.execute("SELECT 1 FROM runs WHERE run_uuid = ?", [run_id]).fetchone() is not None


def moved_folder(recorded: str, root: Path) -> Path | None:
    """Where an experiment's files are now, under `root`; None where they are in the recorded place, or elsewhere."""
    before, _, name = recorded.rpartition("/artifacts/")
    folder = root / "artifacts" / unquote(name)
    if "/" in unquote(name) or unquote(name) in {"", ".", ".."}:
        return None
    if not before.startswith("file:") or not folder.is_dir() or _same(recorded, folder):
        return None
    return folder


def _same(recorded: str, folder: Path) -> bool:
    there = Path(unquote(urlsplit(recorded).path))
    return there.exists() and there.samefile(folder)


def _check_port(uri: str, default_port: int) -> None:
    parts = urlsplit(uri)
    try:
        socket.create_connection(
            (parts.hostname or "localhost", parts.port or default_port), _ANSWER_WAIT_S
        ).close()
    except Exception as error:
        raise unreachable(uri) from error


def _check_server(uri: str) -> None:
    """Two requests, no retry: MLflow's client would try for minutes."""
    version = _ask(uri, "GET", "/version")
    if version.ok and not re.match(r"\d+\.\d+", version.text):
        raise no_mlflow(uri)
    found = _ask(uri, "POST", "/api/2.0/mlflow/experiments/search", {"max_results": 1})
    if found.ok and not _is_object(found):
        raise no_mlflow(uri)


def _is_object(answer: Response) -> bool:
    try:
        return isinstance(answer.json(), dict)
    except ValueError:
        return False


def _ask(uri: str, method: str, path: str, body: dict[str, int] | None = None) -> Response:
    """What the server answers, an error included; UserError when it does not within `_ANSWER_WAIT_S`, all in all."""
    from mlflow.tracking._tracking_service.utils import get_default_host_creds
    from mlflow.utils.rest_utils import http_request

    def ask() -> Response:
        credentials = get_default_host_creds(uri)
        answer = http_request(
            credentials, path, method, json=body, max_retries=0, timeout=_ANSWER_WAIT_S, raise_on_status=False
        )
        assert answer is not None
        return answer

    try:
        answer = answer_within(_ANSWER_WAIT_S, ask)  # a request's own timeout begins anew with every byte
    except Exception as error:
        raise unreachable(uri) from error
    if answer is None or answer.status_code >= 500:
        raise unreachable(uri)
    return answer
