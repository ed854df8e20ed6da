"""Folders of derived data that are used only while they hold, to the byte, what was written into them.

A folder is written under another name, closed by a manifest of its files and renamed once all of it is on the disk.
Each use reads every byte again: neither time nor size says that a file is the one that was written. Whoever alters a
file and the manifest together is not found out here; the digest of the content, which a run records, tells it.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from errors import UserError
from host.boundary import first_line
from host.disk import exclusive, partial_name

MANIFEST = "manifest.json"
_SCHEMA = 1


@dataclass(frozen=True)
class CheckedFolder:
    """A folder that holds what was written. digest: sha256 (64 hex digits) over names and bytes of its files."""

    path: Path
    digest: str


def checked_folder(
    path: Path, write: Callable[[Path], None], *, on_remade: Callable[[str], None]
) -> CheckedFolder:
    """The folder `path`, written by `write(folder)` where it is missing or no longer holds what was written.

    write: fills the empty folder that it is given; it may make folders in it. on_remade: told, in a sentence that
    names the folder and why, when one that was there is made again. Several processes may ask for one folder: one of
    them writes it. Raises UserError when what does not hold cannot be made again.
    """
    if path.parent.is_symlink() or path.parent.parent.is_symlink():
        raise UserError("lies behind a link", where=str(path), cure="Put there what the link leads to.")
    found = _Found.at(path)
    if found.fault is not None:
        with _no_disk_is_a_user_error(path, found.fault):
            path.parent.mkdir(parents=True, exist_ok=True)
            with exclusive(path.with_name(f".{path.name}.lock")):
                found = _Found.at(path)  # another process may have made it meanwhile
                if found.fault is not None:
                    found = _make(path, write, found.fault, on_remade)
    return CheckedFolder(path, found.digest)


@contextmanager
def _no_disk_is_a_user_error(path: Path, fault: str) -> Generator[None]:
    try:
        yield
    except (OSError, UserError) as error:
        disk = error if isinstance(error, OSError) else error.__cause__
        if not isinstance(disk, OSError) or disk.errno is None:  # libraries raise OSErrors of their own
            raise
        raise UserError(
            f"{fault} and cannot be made ({first_line(disk)})",
            where=str(path),
            cure="See that there is space and that this folder can be written, or give another --root.",
        ) from error


def _make(path: Path, write: Callable[[Path], None], fault: str, on_remade: Callable[[str], None]) -> _Found:
    """Write it, under the lock."""
    if os.path.lexists(path):
        on_remade(f"{path} {fault}: it is made again")
    _remove_partials(path)  # of writers that died
    partial = partial_name(path)
    try:
        partial.mkdir()
        write(partial)
        digest = _close(partial, path.name)
        if os.path.lexists(path):
            path.rename(partial_name(path))  # a folder does not take the name of one that holds files
        partial.rename(path)
        _sync(path.parent)
    finally:
        _remove_partials(path)
    return _Found(None, digest)


def _close(folder: Path, name: str) -> str:
    """Add the manifest of the folder that will be called `name`, and bring all of it to the disk; its digest."""
    content = _content(folder)
    assert not any(size < 0 for size, _ in content.values())
    (folder / MANIFEST).write_bytes(_manifest(name, content))
    for written in [*folder.rglob("*"), folder]:
        _sync(written)
    return _digest(content)


def _remove_partials(path: Path) -> None:
    for beside in path.parent.iterdir():
        if beside.name.startswith(f".{path.name}.partial-"):
            _remove(beside)


@dataclass(frozen=True)
class _Found:
    """What lies at a path. fault: in words that follow its name, why it cannot be used; none where it can."""

    fault: str | None
    digest: str = ""

    @classmethod
    def at(cls, path: Path) -> _Found:
        if not path.is_dir() or path.is_symlink():
            return cls("is no folder" if os.path.lexists(path) else "is missing")
        try:
            content = _content(path)
            told = (path / MANIFEST).read_bytes()
        except FileNotFoundError:
            return cls("has no manifest")
        except OSError as error:
            return cls(f"cannot be read ({error.strerror})")
        now = _manifest(path.name, content)
        return cls(None if told == now else _fault(told, content), _digest(content))


def _content(folder: Path) -> dict[str, tuple[int, str]]:
    """Size in bytes and sha256 of every file below `folder` but the manifest, by its name relative to it.

    What is neither file nor folder, such as a link, has the size -1.
    """
    return {
        str(path.relative_to(folder)): (-1, "") if path.is_symlink() else _size_and_digest(path)
        for path in _entries(folder)
    }


def _entries(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.rglob("*")):
        if (path.is_symlink() or not path.is_dir()) and path != folder / MANIFEST:
            yield path


def _size_and_digest(file: Path) -> tuple[int, str]:
    if not file.is_file():  # a pipe would never end
        return -1, ""
    with file.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
        return stream.tell(), digest


def _manifest(name: str, content: Mapping[str, tuple[int, str]]) -> bytes:
    """The manifest of the folder `name`: one that was copied from elsewhere is not its own."""
    files = {file: {"bytes": size, "sha256": digest} for file, (size, digest) in sorted(content.items())}
    return json.dumps({"schema": _SCHEMA, "folder": name, "files": files}, indent=1).encode()


def _digest(content: Mapping[str, tuple[int, str]]) -> str:
    return hashlib.sha256(json.dumps(sorted(content.items())).encode()).hexdigest()


def _fault(told: bytes, content: Mapping[str, tuple[int, str]]) -> str:
    """Why a manifest is not that of `content`."""
    try:
        files: Mapping[str, Mapping[str, object]] = json.loads(told)["files"]
        then = {name: (entry["bytes"], entry["sha256"]) for name, entry in files.items()}
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return "has a damaged manifest"
    for name in sorted({*then, *content}):
        if name not in content:
            return f"has lost {name}"
        if name not in then:
            return f"holds {name}, which was added"
        if then[name] != content[name]:
            return f"has a {name} that is not what was written"
    return "has a manifest that is not its own"


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink()
