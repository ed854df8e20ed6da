"""What differs from the commit, as a patch that `git apply` takes, without anything secret."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

from tracking.redaction import holds_secret, is_secret_file

_LARGEST_UNTRACKED_BYTES = 2**20
_EMPTY_TREE = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"  # git's name for a tree without files

# The user's own settings (colours, prefixes, external diff programs) must not reach the patch.
# fmt: off
_DIFF = (
    "diff", "--binary", "--full-index", "--no-color", "--no-ext-diff", "--no-textconv", "--no-renames",
    "--src-prefix=a/", "--dst-prefix=b/",
)
# fmt: on


def working_tree_patch(repository: Path, *, but: Path | None = None) -> str:
    """Everything uncommitted: changes to tracked files, and untracked text files that git does not ignore.

    but: a folder whose untracked files are no part of the code, such as that of the store.
    Left out, and named in comment lines at the top: files whose name or content looks like a
    credential, untracked files that are binary or over 1 MiB. Bytes that are no UTF-8 are kept as
    surrogate escapes; write the patch with `errors="surrogateescape"`. Outside a git repository the
    patch is one comment line that says so.
    """
    try:
        top = Path(os.fsdecode(git(repository, "rev-parse", "--show-toplevel")).strip())
    except (OSError, subprocess.CalledProcessError):
        return "# not a git repository (or git is not installed): no patch\n"
    untracked, left_out = _untracked_text_files(top, but)
    kept: list[str] = []
    for path, section in _sections(_diff(top, untracked)):
        if is_secret_file(path) or holds_secret(section) or _file_holds_secret(top / path):
            left_out.append((path, "looks like a credential"))
        else:
            kept.append(section)
    comments = [f"# left out: {path.encode('unicode_escape').decode()} ({why})\n" for path, why in left_out]
    return "".join([*comments, *kept])


def git(repository: Path, *arguments: str, stdin: bytes | None = None, index: Path | None = None) -> bytes:
    """Run git in `repository` and return its output.

    Raises:
        CalledProcessError: git refused; OSError: there is no git.
    """
    environment = {**os.environ, "GIT_OPTIONAL_LOCKS": "0", "LC_ALL": "C"}
    if index is not None:
        environment["GIT_INDEX_FILE"] = str(index)
    command = ["git", "-C", str(repository), "-c", "core.quotePath=false", *arguments]
    return subprocess.run(command, input=stdin, capture_output=True, check=True, env=environment).stdout


def head_commit(repository: Path) -> str | None:
    """The commit checked out; None before the first one."""
    try:
        return git(repository, "rev-parse", "--verify", "--quiet", "HEAD").decode().strip()
    except subprocess.CalledProcessError:
        return None


def _untracked_text_files(top: Path, but: Path | None) -> tuple[list[str], list[tuple[str, str]]]:
    listed = git(top, "ls-files", "--others", "--exclude-standard", "-z").split(b"\0")
    taken: list[str] = []
    left_out: list[tuple[str, str]] = []
    for path in map(os.fsdecode, filter(None, listed)):
        file = top / path
        if but is not None and file.resolve().is_relative_to(but.resolve()):
            continue
        if is_secret_file(path):
            left_out.append((path, "looks like a credential"))
        elif path.endswith("/"):
            left_out.append((path, "a repository of its own"))
        elif file.is_symlink() or not file.is_file():
            left_out.append((path, "no plain file"))
        elif file.stat().st_size > _LARGEST_UNTRACKED_BYTES:
            left_out.append((path, "untracked and over 1 MiB"))
        elif not _is_text(file.read_bytes()):
            left_out.append((path, "untracked and binary"))
        else:
            taken.append(path)
    return taken, left_out


def _is_text(content: bytes) -> bool:
    try:
        return "\0" not in content.decode()
    except UnicodeDecodeError:
        return False


def _diff(top: Path, untracked: list[str]) -> str:
    """The difference to HEAD. Untracked files are announced in a copy of the index, never in the real one."""
    with tempfile.TemporaryDirectory(prefix="encore-index-") as folder:
        index = Path(folder) / "index"
        real_index = top / os.fsdecode(git(top, "rev-parse", "--git-path", "index")).strip()
        if real_index.exists():
            shutil.copy(real_index, index)
        if untracked:
            paths = b"\0".join(map(os.fsencode, untracked))
            add = ("add", "--intent-to-add", "--pathspec-from-file=-", "--pathspec-file-nul")
            git(top, "--literal-pathspecs", *add, stdin=paths, index=index)
        against = head_commit(top) or _EMPTY_TREE
        return git(top, *_DIFF, against, index=index).decode(errors="surrogateescape")


def _sections(patch: str) -> list[tuple[str, str]]:
    """The patch by file, each with its path."""
    parts = re.split(r"^(?=diff --git )", patch, flags=re.MULTILINE)
    return [(_path(part), part) for part in parts if part.startswith("diff --git ")]


def _path(section: str) -> str:
    """The path in `diff --git a/P b/P`: with renames off both halves are equal, spaces or not."""
    first = section[: section.index("\n")].removeprefix("diff --git ")
    half = first[: len(first) // 2]
    if not half.startswith('"'):
        return half.removeprefix("a/")
    quoted = half[1:-1].encode("latin-1", "surrogateescape").decode("unicode_escape")
    return quoted.encode("latin-1", "replace").decode("utf-8", "surrogateescape").removeprefix("a/")


def _file_holds_secret(file: Path) -> bool:
    """Binary differences are encoded, so the file itself is looked at as well."""
    return file.is_file() and holds_secret(file.read_bytes().decode(errors="replace"))
