"""Writing to disk so that a reader sees a whole file or none, and a full disk is said in one line."""

from __future__ import annotations

import errno
import fcntl
import os
import secrets
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from errors import UserError

_CURES = {
    errno.ENOSPC: ("the disk is full", "Free some space and run the command again."),
    errno.EDQUOT: ("the disk quota is used up", "Free some space and run the command again."),
    errno.EFBIG: ("a file would grow over the limit set for it", "Raise the limit (`ulimit -f`)."),
    errno.ENOTDIR: ("a file stands where a folder is needed", "Choose another folder."),
    errno.EROFS: ("the file system is read-only", "Choose a folder that can be written."),
    errno.EACCES: ("no permission to write here", "Choose a folder of yours, or have its mode changed."),
    errno.EPERM: ("no permission to write here", "Choose a folder of yours, or have its mode changed."),
}


@contextmanager
def disk_errors(where: Path) -> Generator[None]:
    """Turn a full or unwritable disk into a `UserError` that names `where`; let all else through."""
    try:
        yield
    except Exception as error:
        code = _code(error)
        if code is None:
            raise
        what, cure = _CURES[code]
        raise UserError(what, where=str(getattr(error, "filename", None) or where), cure=cure) from error


def _code(error: Exception) -> int | None:
    """The error's number, also where only its text has it: from shutil.copytree, torch, safetensors."""
    if isinstance(error, OSError) and error.errno in _CURES:
        return error.errno
    text = str(error)
    if isinstance(error, RuntimeError) and "unexpected pos" in text:  # torch.save, when a write came short
        return errno.ENOSPC
    told = isinstance(error, OSError) or type(error).__name__ == "SafetensorError"
    signs = ((code, (f"[Errno {code}]", os.strerror(code))) for code in _CURES)
    return next((code for code, texts in signs if told and any(sign in text for sign in texts)), None)


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
    with disk_errors(lock_file):
        lock_file.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(lock_file, os.O_RDWR | os.O_CREAT, 0o666)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
