"""What SQLite says of a database, as one line with the cure."""

from __future__ import annotations

from pathlib import Path

from errors import UserError
from host.disk import disk_fault

LOCK_WAIT_S = 10.0
_SQLITE_WRITES = 2**20  # bytes, a generous transaction


def sqlite_fault(error: Exception, path: Path) -> UserError | None:
    """An error of SQLite about the database at `path` as a UserError; None for a fault of ours."""
    where, message = str(path), str(error)
    if (
        full := disk_fault(error, path, writing=_SQLITE_WRITES if "disk I/O" in message else None)
    ) is not None:
        return full
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
        "disk I/O error": ("the disk of this database fails", "Look at the disk; restore it from a backup."),
    }
    for sign, (what, cure) in faults.items():
        if sign in message:
            return UserError(what, where=where, cure=cure)
    return None
