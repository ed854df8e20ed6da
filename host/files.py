"""What lies in a folder, without opening or following anything but plain files and folders; and digests of bytes."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Kind = Literal["file", "folder", "link", "something else"]
_DEEPEST = 40  # folders in folders; what lies deeper is reported by the folder that it lies in
_POINTER = b"version https://git-lfs.github.com/spec/"


@dataclass(frozen=True)
class Entry:
    """One name in a folder: where it is, and what it is by itself, a link not followed."""

    path: Path
    kind: Kind


def file_digest(path: Path) -> str:
    """sha256 over the bytes of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def is_git_lfs_pointer(path: Path) -> bool:
    """Whether a file is what a clone without Git LFS leaves in the place of a large one.

    Raises OSError where it cannot be read.
    """
    with path.open("rb") as file:
        return file.read(len(_POINTER)) == _POINTER


def entries(folder: Path) -> dict[str, Entry]:
    """Everything below `folder` by its path from there, with slashes, sorted; an absent folder has nothing.

    Bytes of a name that are no UTF-8 are shown as escapes. Nothing is opened: a pipe would wait for a writer.
    """
    return dict(sorted(_below(folder)))


def _below(folder: Path) -> Iterator[tuple[str, Entry]]:
    waiting = [(folder, "", 0)]
    while waiting:
        place, prefix, depth = waiting.pop()
        try:
            with os.scandir(place) as found:
                inside = list(found)
        except (FileNotFoundError, NotADirectoryError):
            continue
        for entry in inside:
            name = prefix + os.fsencode(entry.name).decode(errors="backslashreplace")
            kind = _kind(entry)
            yield name, Entry(Path(entry.path), kind)
            if kind == "folder" and depth < _DEEPEST:
                waiting.append((Path(entry.path), f"{name}/", depth + 1))


def _kind(entry: os.DirEntry[str]) -> Kind:
    if entry.is_symlink():
        return "link"
    if entry.is_dir(follow_symlinks=False):
        return "folder"
    return "file" if entry.is_file(follow_symlinks=False) else "something else"


def is_plain_file(path: Path) -> bool:
    """Whether `path` is a file by itself: no link to one, no pipe, no device."""
    return path.is_file() and not path.is_symlink()
