"""Where the studies of sweeps are kept, and what their database says, in one line with the cure."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from errors import LibraryError, UserError
from host.boundary import first_line
from host.sqlite import sqlite_fault
from tracking.addresses import STUDY_VARIABLE, public_uri, sqlite_path, sqlite_uri

STUDY_FILE = "optuna.db"


@dataclass(frozen=True)
class StudyStorage:
    """Where studies are kept: an address as Optuna takes it, and how it is shown, without a password."""

    uri: str
    shown: str

    @property
    def file(self) -> Path | None:
        """The database file; none: a server's."""
        return Path(self.shown) if self.uri.startswith("sqlite") else None


def study_storage(root: Path, uri: str | None) -> StudyStorage:
    """The database at `uri`; none: the one in the store's folder `root`, which is made."""
    if uri is None:
        root.mkdir(parents=True, exist_ok=True)
        file = (root / STUDY_FILE).resolve()
        return StudyStorage(sqlite_uri(file), str(file))
    if "://" not in uri:
        raise UserError(
            "is no address of a database",
            where=STUDY_VARIABLE,  # not what it holds: without a scheme, nobody can tell a password in it
            cure="Give one as SQLAlchemy takes it, such as sqlite:////shared/studies.db, or leave it unset.",
        )
    return StudyStorage(uri, str(sqlite_path(uri)) if uri.startswith("sqlite") else public_uri(uri))


@contextmanager
def study_faults(storage: StudyStorage, where: str) -> Generator[None]:
    """Turn whatever Optuna raises over its database into one line; `where` names the study."""
    try:
        yield
    except UserError:
        raise
    except Exception as error:
        raise _study_fault(error, storage, where) from error


def _study_fault(error: Exception, storage: StudyStorage, where: str) -> UserError:
    reason = error.__cause__ if isinstance(error.__cause__, Exception) else error
    if "table schema" in str(error):
        return UserError(
            "the study was written by another version of Optuna",
            where=where,
            cure="Use the Encore that wrote it, or `optuna storage upgrade` on a copy of the file.",
        )
    what = f"Optuna cannot go on with it ({first_line(reason)})"
    if storage.file is None:
        cure = f"Look at {STUDY_VARIABLE}, at its database and at the driver that SQLAlchemy needs for it."
        return LibraryError(what.replace(storage.uri, storage.shown), where=where, cure=cure)
    cure = "Restore the file from a backup, or move it away: the sweep then begins anew, and its runs stay."
    return sqlite_fault(reason, storage.file) or LibraryError(what, where=where, cure=cure)
