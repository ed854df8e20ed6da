"""What git knows of a folder of sources."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

# Set while git runs a hook or an alias: they would have git look at another repository than the folder's.
# fmt: off
_ELSEWHERE = (
    "GIT_DIR", "GIT_WORK_TREE", "GIT_COMMON_DIR", "GIT_INDEX_FILE", "GIT_PREFIX", "GIT_NAMESPACE",
    "GIT_OBJECT_DIRECTORY", "GIT_ALTERNATE_OBJECT_DIRECTORIES",
)
# fmt: on
_TRACKED = "pyproject.toml"  # of sources inside a larger repository: tracked, and the sources are its own


@dataclass(frozen=True)
class Repository:
    """The repository that tracks some sources. folder: where in it they lie, with a slash at the end; "" at its top."""

    folder: str


def git(repository: Path, *arguments: str, stdin: bytes | None = None, index: Path | None = None) -> bytes:
    """Run git in `repository` and return its output.

    Raises:
        CalledProcessError: git refused; OSError: there is no git.
    """
    environment = {key: value for key, value in os.environ.items() if key not in _ELSEWHERE}
    environment |= {"GIT_OPTIONAL_LOCKS": "0", "LC_ALL": "C"}
    if index is not None:
        environment["GIT_INDEX_FILE"] = str(index)
    command = ["git", "-C", str(repository), "-c", "core.quotePath=false", *arguments]
    return subprocess.run(command, input=stdin, capture_output=True, check=True, env=environment).stdout


def repository_of(sources: Path) -> Repository | str:
    """The repository that tracks `sources`, or in words why there is none.

    A repository around them that does not track them is somebody else's, such as that of a home folder or of the
    project which Encore was unpacked into.
    """
    try:
        prefix = os.fsdecode(git(sources, "rev-parse", "--show-prefix")).rstrip("\n")
    except OSError as error:
        return f"no git: {error}"
    except subprocess.CalledProcessError as error:
        return f"no git: {error.stderr.decode(errors='replace').strip()}"
    if prefix:
        try:
            git(sources, "ls-files", "--error-unmatch", "--", _TRACKED)
        except subprocess.CalledProcessError:
            return "not a git repository of its own, and the one around it does not track these sources"
    return Repository(prefix)


def head_commit(repository: Path) -> str | None:
    """The commit checked out; None before the first one."""
    try:
        return git(repository, "rev-parse", "--verify", "--quiet", "HEAD").decode().strip()
    except subprocess.CalledProcessError:
        return None
