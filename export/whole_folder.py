"""A folder that appears, or is replaced, only when everything in it is written."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Generator
from pathlib import Path

from errors import UserError


@contextlib.contextmanager
def written_whole(out_dir: Path, *, marker: str, kind: str) -> Generator[Path]:
    """A folder to write into that takes the place of `out_dir` at the end, and is removed on an error.

    UserError as `check_replaceable`.
    """
    check_replaceable(out_dir, marker=marker, kind=kind)
    partial = out_dir.with_name(out_dir.name + ".partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    try:
        yield partial
        if out_dir.exists():
            shutil.rmtree(out_dir)
        partial.rename(out_dir)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def check_replaceable(out_dir: Path, *, marker: str, kind: str) -> None:
    """UserError for a file, for a link, and for a folder that is not empty and lacks the marker, which is a file that a
    folder of the kind has."""
    cure = "Name a new or an empty folder."
    if out_dir.is_symlink() or (out_dir.exists() and not out_dir.is_dir()):
        raise UserError("is no folder", where=str(out_dir), cure=cure)
    if out_dir.exists() and not (out_dir / marker).is_file() and any(out_dir.iterdir()):
        raise UserError(f"the folder holds something that is not {kind}", where=str(out_dir), cure=cure)
