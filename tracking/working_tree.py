"""What differs from the commit, as a patch that `git apply` takes, without anything secret."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

from host.disk import disk_errors
from tracking.redaction import holds_secret, is_secret_file, language_of, redacted
from tracking.repository import git, head_commit, repository_of
from tracking.secret_shapes import holds_private_key

_LARGEST_UNTRACKED_BYTES = 2**20
_EMPTY_TREE = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"  # git's name for a tree without files

# The user's own settings (colours, prefixes, external diff programs) must not reach the patch.
# fmt: off
_DIFF = (
    "diff", "--binary", "--full-index", "--no-color", "--no-ext-diff", "--no-textconv", "--no-renames",
    "--relative",
    "--src-prefix=a/", "--dst-prefix=b/",
)
# fmt: on


def working_tree_patch(sources: Path, *, exclude: Path | None = None) -> str:
    """Everything uncommitted below `sources`: changes to tracked files, and untracked text that git does not ignore.

    Paths are relative to `sources`, which may be a folder of a larger repository; what lies beside it is not looked at.
    exclude: a folder whose untracked files are no part of the code, such as that of the store.
    Left out, and named in comment lines at the top: files whose name or content looks like a
    credential, untracked files that are binary or over 1 MiB. Bytes that are no UTF-8 are kept as
    surrogate escapes; write the patch with `errors="surrogateescape"`. Where git does not track the sources the
    patch is one comment line that says so.
    """
    repository = repository_of(sources)
    if isinstance(repository, str):
        return f"# no patch: {' '.join(redacted(repository).split())}\n"
    untracked, left_out = _untracked_text_files(sources, exclude)
    kept: list[str] = []
    for path, section in _sections(_diff(sources, untracked)):
        if is_secret_file(path) or _holds_secret(sources, path, section):
            left_out.append((path, "looks like a credential"))
        else:
            kept.append(section)
    comments = [f"# left out: {_shown(path)} ({why})\n" for path, why in left_out]
    return "".join([*comments, *kept])


def _shown(path: str) -> str:
    return redacted(path).encode("unicode_escape").decode()


def _untracked_text_files(sources: Path, exclude: Path | None) -> tuple[list[str], list[tuple[str, str]]]:
    listed = git(sources, "ls-files", "--others", "--exclude-standard", "-z").split(b"\0")
    taken: list[str] = []
    left_out: list[tuple[str, str]] = []
    for path in map(os.fsdecode, filter(None, listed)):
        file = sources / path
        if exclude is not None and file.resolve().is_relative_to(exclude.resolve()):
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


def _diff(sources: Path, untracked: list[str]) -> str:
    """The difference to HEAD. Untracked files are announced in a copy of the index, never in the real one."""
    with tempfile.TemporaryDirectory(prefix="encore-index-") as folder:
        index = Path(folder) / "index"
        real_index = sources / os.fsdecode(git(sources, "rev-parse", "--git-path", "index")).rstrip("\n")
        size = real_index.stat().st_size if real_index.exists() else 0
        with disk_errors(sources, writing=2 * size):  # git writes it beside the copy anew
            if size:
                shutil.copy2(
                    real_index, index
                )  # by its time git tells which files may have changed unseen since
            if untracked:
                paths = b"\0".join(map(os.fsencode, untracked))
                add = ("add", "--intent-to-add", "--pathspec-from-file=-", "--pathspec-file-nul")
                git(sources, "--literal-pathspecs", *add, stdin=paths, index=index)
            against = head_commit(sources) or _EMPTY_TREE
            return git(sources, *_DIFF, against, index=index).decode(errors="surrogateescape")


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


def _holds_secret(sources: Path, path: str, section: str) -> bool:
    """Whether what a section says of its file holds a secret, read as text, and as the file itself is written."""
    language = language_of(path)
    if holds_secret(section) or holds_secret(_without_signs(section), language):
        return True
    versions = (_now(sources / path), _before(sources, path))
    if "GIT binary patch" in section:  # encoded there
        return any(holds_secret(version, language) for version in versions)
    return any(holds_private_key(version) for version in versions)  # a change in the middle of one


def _without_signs(section: str) -> str:
    return "".join(line[1:] for line in section.splitlines(keepends=True))


def _now(file: Path) -> str:
    return file.read_bytes().decode(errors="replace") if file.is_file() else ""


def _before(sources: Path, path: str) -> str:
    try:
        return git(sources, "show", f"HEAD:./{path}").decode(errors="replace")
    except subprocess.CalledProcessError:  # a new file
        return ""
