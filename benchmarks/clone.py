"""A repository of its own with this working tree's files, and the command line run in it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterable, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Generator

_HERE = Path(__file__).resolve().parent.parent


def clone(folder: Path) -> Path:
    """Copy what git tracks here, or would, into the new repository `folder`, with one commit."""
    listed = git(_HERE, "ls-files", "-z", "--cached", "--others", "--exclude-standard")
    for name in filter(None, listed.split("\0")):
        if (_HERE / name).is_file():  # a deleted file is listed until its deletion is committed
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(_HERE / name, folder / name)
    git(folder, "init", "-q")
    commit(folder, "the beginning")
    return folder


def git(folder: Path, *arguments: str) -> str:
    """What git prints."""
    process = subprocess.run(
        ["git", "-C", str(folder), *arguments], capture_output=True, text=True, check=True
    )
    return process.stdout


def commit(folder: Path, message: str) -> None:
    """Everything that changed, by nobody in particular."""
    identity = ("-c", "user.name=nobody", "-c", "user.email=nobody@example.org", "-c", "commit.gpgsign=false")
    git(folder, "add", "-A")
    git(folder, *identity, "commit", "-qm", message)


def encore(
    repository: Path,
    *arguments: object,
    environment: Mapping[str, str] | None = None,
    python: str = sys.executable,
) -> subprocess.CompletedProcess[str]:
    """`encore` with the code of `repository`, whatever is installed."""
    return subprocess.run(
        [python, "-m", "cli", *map(str, arguments)],
        cwd=repository,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(repository), **(environment or {})},
    )


@dataclass(frozen=True)
class Edit:
    """`old`, which must be in `file`, becomes `new`, once."""

    file: Path
    old: str
    new: str

    def make(self) -> None:
        text = self.file.read_text(encoding="utf-8")
        assert self.old in text, f"{self.file}: no {self.old!r}"
        self.file.write_text(text.replace(self.old, self.new, 1), encoding="utf-8")


@contextmanager
def edited(edits: Iterable[Edit]) -> Generator[None]:
    """`edits` made, and afterwards the files as they were."""
    with ExitStack() as stack:
        for edit in edits:
            stack.callback(edit.file.write_bytes, edit.file.read_bytes())
            edit.make()
        yield
