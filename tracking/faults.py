"""What a store's errors mean to the person at the keyboard: one line each, with the cure."""

from __future__ import annotations

import re
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from errors import UserError

if TYPE_CHECKING:
    from mlflow.exceptions import MlflowException

LOCK_WAIT_S = 10.0
_PASSWORD_IN_QUERY = re.compile(r"((?:^|&)[^=&]*(?:pass|pwd|secret|token|key)[^=&]*=)[^&]*", re.IGNORECASE)


def sqlite_path(uri: str) -> Path:
    """The database file of a `sqlite:///…` URI, absolute."""
    return Path(uri.partition(":///")[2]).absolute()


def public_uri(uri: str) -> str:
    """`uri` without a user name or password in it, fit to be printed and recorded."""
    parts = urlsplit(uri)
    netloc, query = parts.netloc.rpartition("@")[2], _PASSWORD_IN_QUERY.sub(r"\1***", parts.query)
    return uri if (netloc, query) == parts[1:4:2] else parts._replace(netloc=netloc, query=query).geturl()


@contextmanager
def explained(uri: str) -> Generator[None]:
    """Turn those of MLflow's errors that a user can mend into `UserError`; let the others through."""
    from mlflow.exceptions import MlflowException

    try:
        yield
    except MlflowException as error:
        raise explain(error, uri) or error from error


def explain(error: MlflowException, uri: str) -> UserError | None:
    """The `UserError` that `error` amounts to, or None where it is a fault of the program."""
    message = str(error)
    if "out-of-date database schema" in message:
        return _schema_fault(message, uri)
    if "must be in the 'active' state" in message:
        return UserError(
            "the run was deleted in the store while it was being written",
            where=public_uri(uri),
            cure="Restore it in the MLflow UI; what it logged is kept in the journal folder until then.",
        )
    if uri.startswith("sqlite:"):
        return sqlite_fault(message, str(sqlite_path(uri)))
    return _server_fault(message, error.error_code, uri)


def _server_fault(message: str, error_code: str, uri: str) -> UserError | None:
    status = re.search(r"failed with error code (\d+)", message)
    code = int(status[1]) if status else 0
    if code in (401, 403) or error_code in ("PERMISSION_DENIED", "UNAUTHENTICATED", "CUSTOMER_UNAUTHORIZED"):
        return UserError(
            "the tracking server refuses these credentials",
            where=public_uri(uri),
            cure="Set MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, or MLFLOW_TRACKING_TOKEN.",
        )
    if code in (404, 405, 501):
        return no_mlflow(uri)
    if code >= 500 or re.search(r"API request to .* failed with (timeout )?exception", message):
        return unreachable(uri)
    return None


def unreachable(uri: str) -> UserError:
    return UserError(
        "the tracking server does not answer",
        where=public_uri(uri),
        cure="Start it or mend MLFLOW_TRACKING_URI; unset that, and runs go to mlruns/mlflow.db.",
    )


def no_mlflow(uri: str) -> UserError:
    return UserError(
        "something answers here, but it is no MLflow server",
        where=public_uri(uri),
        cure="Mend MLFLOW_TRACKING_URI; unset it, and runs go to mlruns/mlflow.db.",
    )


def sqlite_fault(message: str, where: str) -> UserError | None:
    """What SQLite said, in our words; None for what is no user's matter."""
    faults = {
        "database is locked": (
            f"another process holds this database's write lock (waited {LOCK_WAIT_S:.0f} s)",
            f"End that process (`fuser {where}` names it) and run the command again.",
        ),
        "readonly database": (
            "this database is read-only",
            "Make the file and its folder writable, or choose another --root.",
        ),
        "unable to open": (
            "this database cannot be opened",
            "Make the file and its folder readable and writable for you.",
        ),
        "not a database": (
            "this file is not a database",
            "Restore it from a backup, or move it away: a new one is made.",
        ),
        "malformed": (
            "this database is damaged",
            "Restore it from a backup, or try `sqlite3 FILE .recover`.",
        ),
        "disk is full": ("the disk is full", "Free some space and run the command again."),
    }
    for sign, (what, cure) in faults.items():
        if sign in message:
            return UserError(what, where=where, cure=cure)
    return None


def _schema_fault(message: str, uri: str) -> UserError:
    """Tell a store of a newer MLflow from one of an older: only the older can be migrated."""
    import mlflow
    from alembic.script import ScriptDirectory
    from alembic.util import CommandError

    where = public_uri(uri)
    found = message.partition("found version ")[2].partition(",")[0]
    try:
        ScriptDirectory(str(Path(mlflow.__file__).parent / "store" / "db_migrations")).get_revision(found)
    except CommandError:
        return UserError(
            f"the tracking store was written by a newer MLflow (schema {found})",
            where=where,
            cure="Use the Encore that wrote it, or set MLFLOW_TRACKING_URI to another store.",
        )
    return UserError(
        f"the tracking store was written by an older MLflow (schema {found})",
        where=where,
        cure=f"Back it up, then run `mlflow db upgrade {public_uri(uri)}`.",
    )
