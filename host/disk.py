"""Atomic files, locks and links, and one line for a full disk."""

from __future__ import annotations

import errno
import fcntl
import os
import re
import secrets
import shutil
import tempfile
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path

from errors import LibraryError, UserError

_FREE = "Free some space and run the command again."
_CURES = {
    errno.ENOSPC: ("the disk is full", _FREE),
    errno.EDQUOT: ("the disk quota is used up", _FREE),
    errno.EFBIG: ("a file would grow over the limit set for it", "Raise the limit (`ulimit -f`)."),
    errno.ENOTDIR: ("a file stands where a folder is needed", "Choose another folder."),
    errno.EROFS: ("the file system is read-only", "Choose a folder that can be written."),
    errno.EACCES: (
        "no permission to read or write here",
        "Choose a folder of yours, or have its mode changed.",
    ),
    errno.EPERM: (
        "no permission to read or write here",
        "Choose a folder of yours, or have its mode changed.",
    ),
}
_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_FULL = (None, errno.ENOSPC, errno.EDQUOT)  # none: it was looked at
# What a write that came short is called where its number is lost: by SQLite, torch.save, numpy, tempfile.
_SHORT = re.compile(
    r"database or disk is full|unexpected pos|\d+ requested and \d+ written|No usable temporary directory"
)
_HARDLY_ANY = 64 * 2**10  # bytes


class FullDiskError(UserError):
    """A disk or a quota has no room left, so whatever is written there next will meet the same."""


@contextmanager
def disk_errors(where: Path, *, writing: int | None = None) -> Generator[None]:
    """Turn a full or unwritable disk into a `UserError` that names the place; let all else through.

    writing: about how many bytes the block puts on the disk of `where` or on that of temporary files. A library
    that does not look at its writes fails where it reads them back, with a riddle: when the block fails for
    whatever reason and one of the two disks has not so much room, that disk is full. None: nothing is guessed.
    """
    try:
        yield
    except Exception as error:
        fault = disk_fault(error, where, writing=writing)
        if fault is None:
            raise
        raise fault from error


def disk_fault(error: Exception, where: Path, *, writing: int | None = None) -> UserError | None:
    """The `UserError` that `error` amounts to if a disk was its cause, else None; see `disk_errors`."""
    if isinstance(error, UserError) and not isinstance(error, LibraryError):
        return None
    code, culprit = _code(error), error
    for cause in _causes(error) if code is None else ():
        if (found := _code(cause)) in _NO_ROOM:  # another code may have been dealt with on the way
            code, culprit = found, cause
    if code is None and (writing is None or not _full_places(where, max(writing, _HARDLY_ANY))):
        return None
    what, cure = _CURES[code or errno.ENOSPC]
    place, temporary = _place(culprit, where, writing)
    if temporary and code in _FULL:
        cure = "Free some space there, or set TMPDIR to a folder on another disk."
    kind = FullDiskError if code in _FULL else UserError
    return kind(what, where=f"{place}{' (TMPDIR)' if temporary else ''}", cure=cure)


def _causes(error: BaseException) -> Iterator[Exception]:
    """What was raised before `error` and led to it, nearest first."""
    cause = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    if isinstance(cause, Exception):
        yield cause
        yield from _causes(cause)


def _code(error: Exception) -> int | None:
    """The error's number, also where only its text has it: from shutil.copytree, torch, safetensors, tokenizers."""
    if isinstance(error, OSError) and error.errno in _CURES:
        return error.errno
    text = str(error)
    if _SHORT.search(text):
        return errno.ENOSPC
    codes = _CURES if isinstance(error, OSError) or type(error).__name__ == "SafetensorError" else _NO_ROOM
    return next((code for code in codes if f"[Errno {code}]" in text or os.strerror(code) in text), None)


def _place(error: Exception, where: Path, writing: int | None) -> tuple[Path, bool]:
    """Where there is no room, and whether that is the folder for temporary files and not `where`."""
    named = getattr(error, "filename2", None) or getattr(error, "filename", None)  # of a copy the target
    if isinstance(named, (str, Path)) and str(named):
        file, temporary = Path(named).absolute(), _temporary()
        ours = where.absolute().is_relative_to(temporary) and file.is_relative_to(where.absolute())
        under = file.is_relative_to(temporary) and not ours
        return Path(named), under
    full = _full_places(where, max(writing or 0, _HARDLY_ANY))
    temporary = bool(full) and where not in full
    return (_temporary() if temporary else where), temporary


def _full_places(where: Path, needed: int) -> list[Path]:
    """Of `where` and the folder for temporary files those on a disk with less than `needed` bytes left."""
    return [place for place in (where, _temporary()) if (left := room(place)) is not None and left < needed]


def _temporary() -> Path:
    """The folder for temporary files; where Python finds none that can be written, the one that was asked for."""
    try:
        return Path(tempfile.gettempdir()).absolute()
    except FileNotFoundError:
        return Path(os.environ.get("TMPDIR", "/tmp")).absolute()  # noqa: S108 named, not used


def room(place: Path) -> int | None:
    """Bytes that can still be written where `place` is or would be; None on a file system that takes no writes."""
    existing = next(path for path in (place.absolute(), *place.absolute().parents) if path.exists())
    found = os.statvfs(existing)
    if found.f_flag & os.ST_RDONLY or found.f_blocks == 0:  # such as /proc
        return None
    return (found.f_bfree if os.geteuid() == 0 else found.f_bavail) * found.f_frsize


def make_folder(folder: Path, *, cure: str) -> None:
    """`folder` and those above it. UserError where a file stands or the file system makes no folders."""
    try:
        with disk_errors(folder):
            folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(
            f"no folder can be made here ({error.strerror})", where=str(folder), cure=cure
        ) from error


def partial_name(target: Path) -> Path:
    """A hidden name beside `target` (the same file system, so that a rename is atomic)."""
    return target.with_name(f".{target.name}.partial-{os.getpid()}-{secrets.token_hex(4)}")


def is_partial(path: Path) -> bool:
    return path.name.startswith(".") and ".partial-" in path.name


@contextmanager
def whole_file(target: Path) -> Generator[Path]:
    """A temporary path beside `target` that takes its name once what was written is on the disk.

    However the block ends, `target` is whole: as it was before, or new. Raises UserError when the disk is full.
    """
    with disk_errors(target):
        target.parent.mkdir(parents=True, exist_ok=True)
        partial = partial_name(target)
        try:
            yield partial
            with partial.open("rb") as written:
                os.fsync(written.fileno())
            partial.replace(target)
        finally:
            partial.unlink(missing_ok=True)


def write_atomically(target: Path, content: bytes) -> None:
    """Replace `target` by `content` in one step; an earlier version stays until then."""
    with whole_file(target) as partial:
        partial.write_bytes(content)


@contextmanager
def exclusive(lock_file: Path) -> Generator[None]:
    """Hold an advisory lock; the kernel lets go of it when the holder dies, however it dies."""
    descriptor = open_lock(lock_file)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def try_lock(descriptor: int) -> bool:
    """Take the advisory lock of an open file; False when another process holds it."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def open_lock(lock_file: Path) -> int:
    """A descriptor of a file to lock, for reading and writing, made where there is none.

    UserError where a link or a folder is in its place: what a link leads to is not ours to write.
    """
    with disk_errors(lock_file):
        lock_file.parent.mkdir(parents=True, exist_ok=True)
        if os.path.lexists(lock_file) and (lock_file.is_symlink() or not lock_file.is_file()):
            raise UserError("is no plain file", where=str(lock_file), cure="Remove it.")
        return os.open(lock_file, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o666)


def link(source: Path, target: Path) -> None:
    """`target` becomes the same file as `source`, or a copy where the file system has no links."""
    if target.exists() and target.samefile(source):
        return  # a rename between two names of one file would leave the temporary one behind
    partial = partial_name(target)
    try:
        os.link(source, partial)
    except OSError:
        shutil.copy2(source, partial)
    partial.replace(target)
