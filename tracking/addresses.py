"""Paths of databases as the addresses that libraries take, and back: every folder exactly as it is called."""

from __future__ import annotations

import os
import re
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit

DATABASE_FILE = "mlflow.db"
STUDY_VARIABLE = "ENCORE_STUDY_STORAGE"
_PASSWORD_IN_QUERY = re.compile(r"((?:^|&)[^=&]*(?:pass|pwd|secret|token|key)[^=&]*=)[^&]*", re.IGNORECASE)


def study_address() -> str | None:
    """The database that the environment names for the studies of sweeps; none: the one in the store's folder."""
    return os.environ.get(STUDY_VARIABLE, "").strip() or None


def sqlite_uri(path: Path) -> str:
    """The address of a database file, of which SQLAlchemy makes `path` again.

    It unquotes an address (`my%20project`) and ends its path at a question mark; Optuna puts values where braces are.
    A path with any of these is quoted whole, the slashes too: MLflow makes the parent folders of what stands in the
    address, and of a quoted slash there are none. Any other path stays readable, as in the addresses of older runs.
    """
    text = str(path)
    plain = unquote(text) == text and not any(character in text for character in "?{}")
    return f"sqlite:///{text if plain else '/' + quote(text.removeprefix('/'), safe='')}"


def sqlite_path(uri: str) -> Path:
    """The database file of a `sqlite:///…` address, absolute."""
    return Path(unquote(uri.partition(":///")[2].partition("?")[0])).absolute()


def shown_uri(uri: str) -> str:
    """What a message calls the place at `uri`: the path of a database file, else the address as `public_uri` has it."""
    if uri.startswith("sqlite:") and ":///" in uri:
        return str(sqlite_path(uri))
    return public_uri(uri)


def public_uri(uri: str) -> str:
    """`uri` without a user name or password in it, its query included, fit to be printed and recorded."""
    try:
        parts = urlsplit(uri)
    except ValueError:  # no address at all, which another check reports
        return re.sub(r"//[^/]*@", "//", uri)
    netloc, query = parts.netloc.rpartition("@")[2], _PASSWORD_IN_QUERY.sub(r"\1***", parts.query)
    return uri if (netloc, query) == parts[1:4:2] else parts._replace(netloc=netloc, query=query).geturl()
