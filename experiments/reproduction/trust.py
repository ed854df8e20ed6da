"""What code a run's record names, and whether it may be run here."""

from __future__ import annotations

import hashlib
import re
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from errors import UserError
from experiments.checkout import REPOSITORY
from experiments.reproduction.lock import pins_of
from host.text import shortened
from runs.files import altered
from runs.layout import PATCH_FILE, PROVENANCE_FILE
from tracking.own_code import code_digest, is_remembered, own_code_file
from tracking.provenance import LOCK_FILE
from tracking.repository import git

if TYPE_CHECKING:
    from runs.files import RunFiles

_COMMIT = re.compile(r"[0-9a-f]{40}")
_DIGEST = re.compile(r"[0-9a-f]{64}")
# An address that a shell and git take for nothing else: a line to be copied must not be a stranger's command.
_ADDRESS = re.compile(r"(?:(?:https?|ssh|git)://|[\w.][\w.-]*@(?=[\w.-]+:))[\w.@:/~+-]{1,200}", re.ASCII)
_SHOWN = 60


@dataclass(frozen=True)
class RecordedCode:
    """The code that a record names; nothing of it has been run.

    folder: where the sources lie in the repository, "" at its top. remote: where the commit may be fetched from.
    patch: as it was when its digest was compared. own: recorded on this machine, with this patch and lock.
    """

    commit: str
    folder: str
    remote: str | None
    patch: bytes
    lock_digest: str | None
    own: bool


@dataclass(frozen=True)
class Summary:
    """What somebody should know who is asked whether it may be run. branches: local ones that have the commit.

    files: path, lines added and removed. pins: of the lock of the commit, those that differ from the ones here.
    """

    run: str
    commit: str
    subject: str
    authored: str
    branches: tuple[str, ...]
    files: tuple[tuple[str, str, str], ...]
    pins: tuple[str, ...]

    def __str__(self) -> str:
        on = f"on {self.branches[0]}" if self.branches else "on no local branch"
        added, removed = (sum(int(row[at]) for row in self.files if row[at].isdecimal()) for at in (1, 2))
        patch = f"a patch of {len(self.files)} files (+{added} -{removed})" if self.files else "no patch"
        lock = f"{len(self.pins)} pins that differ" if self.pins else "the lock of here"
        return f"commit {self.commit[:12]} ({self.subject!r}, {self.authored}, {on}), {patch}, {lock}"


Agree = Callable[[Summary], bool]


def recorded_code(run: RunFiles) -> RecordedCode:
    """UserError for a record that names no commit, or names one in another form than git's."""
    provenance = run.json(PROVENANCE_FILE)
    code = provenance.get("code") if isinstance(provenance, dict) else None
    if not isinstance(code, dict):
        raise altered(run, PROVENANCE_FILE)
    commit, lock = code.get("commit"), provenance.get("lock_digest")
    if commit is None:
        raise UserError(
            "the run was made outside a git repository, so there is no commit to go back to",
            where=run.where,
            cure="Leave --at-commit out.",
        )
    if not _is(_COMMIT, commit) or not (lock is None or _is(_DIGEST, lock)):
        raise altered(run, PROVENANCE_FILE)
    patch, folder = run.path(PATCH_FILE).read_bytes(), _folder(run, code)
    own = is_remembered(code_digest(commit, folder, hashlib.sha256(patch).hexdigest(), lock))
    remote = code.get("remote")
    return RecordedCode(commit, folder, remote if isinstance(remote, str) else None, patch, lock, own)


def _is(form: re.Pattern[str], value: object) -> bool:
    return isinstance(value, str) and form.fullmatch(value) is not None


def _folder(run: RunFiles, code: Mapping[str, Any]) -> str:
    """Where the sources lie in the commit; below its top, whatever the record says."""
    folder = code.get("folder", "")
    if not isinstance(folder, str):
        raise altered(run, PROVENANCE_FILE)
    path = PurePosixPath(folder)
    if path.is_absolute() or ".." in path.parts or ".git" in path.parts or not folder.isprintable():
        raise altered(run, PROVENANCE_FILE)
    return folder


def check_trusted(run: RunFiles, code: RecordedCode, agree: Agree | None) -> None:
    """UserError unless this machine recorded the code itself, or `agree` says yes to its summary.

    agree: None where nobody can be asked.
    """
    _check_commit_here(code)
    if code.own:
        return
    summary = code_summary(run, code)
    if agree is None:
        raise UserError(
            f"this machine has not recorded the code of this run, and it would do whatever you may do: {summary}",
            where=run.where,
            cure=f"Read the run's {PATCH_FILE}, and add --trust ({own_code_file()} has what is this machine's own).",
        )
    if not agree(summary):
        raise UserError("its code was not run", where=run.where, cure="Leave --at-commit out.")


def _check_commit_here(code: RecordedCode) -> None:
    try:
        git(REPOSITORY, "cat-file", "-e", f"{code.commit}^{{commit}}")
    except (OSError, subprocess.CalledProcessError) as error:
        is_address = code.remote is not None and _ADDRESS.fullmatch(code.remote)
        remote = f" `git fetch {code.remote}` may have it." if is_address else ""
        raise UserError(
            f"commit {code.commit[:12]} is not in this repository",
            where=str(REPOSITORY),
            cure=f"Fetch it.{remote}",
        ) from error


def code_summary(run: RunFiles, code: RecordedCode) -> Summary:
    """Read from the repository and the record alone: no file of the commit is written anywhere."""
    told = git(REPOSITORY, "log", "-1", "--no-show-signature", "--format=%s%x00%as", code.commit)
    subject, _, authored = told.decode(errors="replace").strip().partition("\0")
    branches = git(REPOSITORY, "branch", "--contains", code.commit, "--format=%(refname:short)")
    return Summary(
        run.where,
        code.commit,
        _plain(subject),
        authored,
        tuple(map(_plain, branches.decode(errors="replace").splitlines())),
        _files(run, code.patch),
        _other_pins(code),
    )


def _files(run: RunFiles, patch: bytes) -> tuple[tuple[str, str, str], ...]:
    if not has_changes(patch):
        return ()
    try:
        listed = git(REPOSITORY, "apply", "--numstat", "-z", "-", stdin=patch)
    except subprocess.CalledProcessError as error:
        raise altered(run, PATCH_FILE) from error
    rows = (row.split("\t", 2) for row in listed.decode(errors="replace").split("\0") if row.count("\t") >= 2)
    return tuple((_plain(path), added, removed) for added, removed, path in rows)


def has_changes(patch: bytes) -> bool:
    return any(line.startswith(b"diff --git ") for line in patch.splitlines())


def _other_pins(code: RecordedCode) -> tuple[str, ...]:
    """The pins of the commit's lock that are others here; what a patch makes of it is among the patch's files."""
    lock = PurePosixPath(code.folder, LOCK_FILE)
    try:
        then = git(REPOSITORY, "show", f"{code.commit}:{lock}").decode(errors="replace")
    except subprocess.CalledProcessError:
        return ()
    here = REPOSITORY / LOCK_FILE
    now = pins_of(here.read_text(encoding="utf-8")) if here.exists() else frozenset[str]()
    return tuple(map(_plain, sorted(pins_of(then) - now)))


def _plain(text: str) -> str:
    """What a store or a commit says, short and without anything that a terminal would obey."""
    return shortened(text, _SHOWN)
