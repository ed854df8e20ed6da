"""What a store's errors mean to the person at the keyboard: one line each, with the cure."""

from __future__ import annotations

import json
import re
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from errors import LibraryError, UserError
from host.boundary import boundary, first_line
from host.sqlite import sqlite_fault
from tracking.addresses import public_uri, shown_uri, sqlite_path


@contextmanager
def explained(uri: str) -> Generator[None]:
    """Turn whatever the libraries of a store raise into one line; a `UserError` that says more passes as it is."""
    try:
        yield
    except UserError:
        raise
    except Exception as error:
        raise explain(error, uri) from error


def explain(error: Exception, uri: str) -> UserError:
    """What `error`, raised by a library over the store at `uri`, means to the user."""
    message = str(error)
    if "out-of-date database schema" in message:
        return _schema_fault(message, uri)
    if "must be in the 'active' state" in message:
        return deleted_meanwhile(shown_uri(uri))
    if uri.startswith("sqlite:"):
        fault = sqlite_fault(error, sqlite_path(uri))
    elif uri.startswith(("http:", "https:")):
        fault = _server_fault(error, uri)
    else:
        fault = _driver_fault(error, uri)
    return fault or LibraryError(
        f"the tracking store cannot do this ({first_line(error).replace(uri, shown_uri(uri))})",
        where=shown_uri(uri),
        cure="Look at the store, and try the command again.",
    )


def deleted_meanwhile(where: str) -> UserError:
    return UserError(
        "the run was deleted in the store while it was being written",
        where=where,
        cure="Restore it in the MLflow UI; what it logged is kept in the journal folder until then.",
    )


def _server_fault(error: Exception, uri: str) -> UserError | None:
    message, error_code = str(error), getattr(error, "error_code", "")
    status = re.search(r"failed with error code (\d+)", message)
    code = int(status[1]) if status else 0
    if code in (401, 403) or error_code in ("PERMISSION_DENIED", "UNAUTHENTICATED", "CUSTOMER_UNAUTHORIZED"):
        return UserError(
            "the tracking server refuses these credentials",
            where=public_uri(uri),
            cure="Set MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, or MLFLOW_TRACKING_TOKEN.",
        )
    not_its_words = isinstance(error, json.JSONDecodeError) or type(error).__module__.startswith("google.")
    if code in (404, 405, 501) or not_its_words:
        return no_mlflow(uri)
    if code >= 500 or re.search(r"API request to .* failed with (timeout )?exception", message):
        return unreachable(uri)
    return None


def _driver_fault(error: Exception, uri: str) -> UserError | None:
    """Of a database server: the package that talks to it is not there."""
    if isinstance(error, ModuleNotFoundError):
        return UserError(
            f"needs the Python package {error.name}, which is not installed",
            where=public_uri(uri),
            cure="Install it beside Encore, or set MLFLOW_TRACKING_URI to another store.",
        )
    if type(error).__name__ == "NoSuchModuleError":  # SQLAlchemy's
        return no_store(uri, f"SQLAlchemy has no driver {urlsplit(uri).scheme}")
    return None


def no_store(uri: str, what: str) -> UserError:
    return UserError(
        what,
        where=f"MLFLOW_TRACKING_URI={public_uri(uri)}",
        cure="Give sqlite:///<path>/mlflow.db, a PostgreSQL, MySQL or SQL Server address or that of an MLflow "
        "server (http, https); or unset it, and runs go to mlruns/mlflow.db.",
    )


def unclean(uri: str) -> UserError:
    """Of an address with white space around it or a control character in it, which a shell or a file has left there."""
    return UserError(
        "begins or ends with white space, or holds a control character",
        where=f"MLFLOW_TRACKING_URI={public_uri(uri)!r}",
        cure="Set it without; or unset it, and runs go to mlruns/mlflow.db.",
    )


def nothing_there(path: Path) -> UserError:
    """Of a database that is only to be looked at."""
    return UserError(
        "no runs here: there is no such database",
        where=str(path),
        cure="Name with --root or MLFLOW_TRACKING_URI the store that has them; `encore train` makes one where there "
        "is none, `make demo` the first run.",
    )


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


def _schema_fault(message: str, uri: str) -> UserError:
    """Tell a store of a newer MLflow from one of an older: only the older can be migrated."""
    import mlflow
    from alembic.script import ScriptDirectory
    from alembic.util import CommandError

    where = shown_uri(uri)
    found = message.partition("found version ")[2].partition(",")[0]
    scripts = Path(mlflow.__file__).parent / "store" / "db_migrations"
    try:
        with boundary(
            "MLflow's list of schemas cannot be read", where=str(scripts), cure="Install it again."
        ):
            ScriptDirectory(str(scripts)).get_revision(found)
    except LibraryError as error:
        if not isinstance(error.__cause__, CommandError):
            raise
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
