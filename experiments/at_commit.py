"""Playing a run again with the code it was made with: its commit, its patch, its lock."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Generator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

from errors import UserError
from experiments.checkout import REPOSITORY
from experiments.digests import file_digest
from experiments.record import PATCH_FILE, PROVENANCE_FILE
from host.disk import disk_errors
from tracking.provenance import LOCK_FILE
from tracking.repository import git

if TYPE_CHECKING:
    from rich.console import Console

    from experiments.recorded import RunArtifacts

_SHOWN = 200
_SHOWN_PINS = 5


def reproduce_at_commit(run: RunArtifacts, *, threads: int | None, console: Console | None) -> str:
    """Play `run` again with its recorded code in a process of its own; the new run's ID.

    threads: of torch; none: as recorded.
    UserError when the commit is not in this repository, the patch does not apply, or the lock cannot be installed.
    """
    provenance = run.json(PROVENANCE_FILE)
    with _worktree(run, provenance["code"]) as tree:
        _apply_patch(run, tree)
        python = _python(run, tree, provenance["lock_digest"], console)
        return _reproduce(run, tree, python, threads, console)


@contextmanager
def _worktree(run: RunArtifacts, code: Mapping[str, Any]) -> Generator[Path]:
    """The recorded commit checked out under the store's folder; removed afterwards."""
    commit = code["commit"]
    if commit is None:
        raise UserError(
            "the run was made outside a git repository, so there is no commit to go back to",
            where=run.where,
            cure="Leave --at-commit out.",
        )
    try:
        git(REPOSITORY, "cat-file", "-e", f"{commit}^{{commit}}")
    except (OSError, subprocess.CalledProcessError) as error:
        remote = f" `git fetch {code['remote']}` may have it." if code["remote"] else ""
        raise UserError(
            f"commit {commit[:12]} is not in this repository",
            where=str(REPOSITORY),
            cure=f"Fetch it.{remote}",
        ) from error
    tree = run.store.root / "worktrees" / f"{run.record.run_id[:12]}-{os.getpid()}"
    with disk_errors(tree):
        tree.parent.mkdir(parents=True, exist_ok=True)
    try:
        _checked_out(commit, tree)
        yield tree
    finally:
        shutil.rmtree(tree, ignore_errors=True)
        git(REPOSITORY, "worktree", "prune")


def _checked_out(commit: str, tree: Path) -> None:
    try:
        git(REPOSITORY, "worktree", "add", "--detach", str(tree), commit)
    except subprocess.CalledProcessError as error:
        raise UserError(
            f"git cannot check commit {commit[:12]} out ({_first_line(error.stderr)})",
            where=str(tree),
            cure="Mend what git names, or leave --at-commit out.",
        ) from error


def _apply_patch(run: RunArtifacts, tree: Path) -> None:
    patch = run.path(PATCH_FILE)
    if not any(line.startswith(b"diff --git ") for line in patch.read_bytes().splitlines()):
        return
    try:
        git(tree, "apply", "--whitespace=nowarn", str(patch))
    except subprocess.CalledProcessError as error:
        raise UserError(
            f"the recorded patch does not apply ({_first_line(error.stderr)})",
            where=f"{run.where}: {PATCH_FILE}",
            cure="The artifact was altered; restore it.",
        ) from error


def _python(run: RunArtifacts, tree: Path, lock_digest: str | None, console: Console | None) -> str:
    """An interpreter with what the recorded lock says: this one, or one set up once under the store's cache."""
    here = REPOSITORY / LOCK_FILE
    lock = tree / LOCK_FILE
    if not lock.exists() or (here.exists() and here.read_bytes() == lock.read_bytes()):
        return sys.executable
    found = file_digest(lock)
    if found != lock_digest:
        raise UserError(
            f"the lock of the commit is not the recorded one ({found[:12]}, not {str(lock_digest)[:12]})",
            where=run.where,
            cure="It was changed without being committed; put the recorded one there.",
        )
    folder = run.store.root / "cache" / "environments" / found[:16]
    python = folder / "bin" / "python"
    complete = folder / "complete"
    if not complete.exists():
        with _busy(console, f"installing the recorded lock into {folder}"):
            _install(folder, python, tree)
        complete.touch()
    return str(python)


def _install(folder: Path, python: Path, tree: Path) -> None:
    """What the project of `tree` depends on, pinned by its lock, as `make setup` does; it stays where it is itself."""
    project = tomllib.loads((tree / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = [*project["dependencies"], *project.get("optional-dependencies", {}).get("dev", ())]
    pip = [str(python), "-m", "pip", "install", "--disable-pip-version-check"]
    for command in (
        [sys.executable, "-m", "venv", "--clear", str(folder)],
        [*pip, "--constraint", str(tree / LOCK_FILE), *wanted],
    ):
        process = subprocess.run(command, capture_output=True, text=True, check=False)
        if process.returncode:
            raise UserError(
                f"the recorded lock cannot be installed ({_missing(process.stdout, process.stderr)})",
                where=LOCK_FILE,
                cure="Give pip an index that has it, or leave --at-commit out.",
            )


def _missing(stdout: str, stderr: str) -> str:
    """What pip says is missing: the pins of the lock that it could not have are on its stdout, the error is not."""
    errors = [
        line
        for line in stderr.splitlines()
        if line.startswith("ERROR") and not line.startswith("ERROR: Ignored")  # for another Python: a notice
    ]
    why = (errors or stderr.splitlines() or ["no reason given"])[0][:_SHOWN]
    pins = [line.partition("(constraint) ")[2] for line in stdout.splitlines() if "(constraint) " in line]
    return ", ".join([why, *dict.fromkeys(pins)][: 1 + _SHOWN_PINS])


def _reproduce(
    run: RunArtifacts, tree: Path, python: str, threads: int | None, console: Console | None
) -> str:
    """Let the recorded program play its own run again; it knows what its record means. The new run's ID."""
    command = [python, "-m", "cli", "reproduce", run.record.run_id, "--root", str(run.store.root), "--json"]
    if threads is not None:
        command += ["--threads", str(threads)]
    environment = {**os.environ, "MLFLOW_TRACKING_URI": run.store.uri, "PYTHONPATH": str(tree)}
    with _busy(console, f"training with the code of {tree.name}"):
        process = subprocess.run(
            command, cwd=tree, capture_output=True, text=True, check=False, env=environment
        )
    try:  # exit code 1 is that program's verdict; ours comes from the new run itself
        return str(json.loads(process.stdout)["actual"]["run_id"])
    except (ValueError, KeyError) as error:
        raise UserError(
            f"the recorded code ended with {process.returncode} ({_last_line(process.stderr)})",
            where=run.where,
            cure="Its message says why.",
        ) from error


def _busy(console: Console | None, what: str) -> AbstractContextManager[object]:
    """Something moves on the screen meanwhile."""
    return nullcontext() if console is None else console.status(what)


def _first_line(stderr: bytes) -> str:
    return (stderr.decode(errors="replace").strip().splitlines() or ["no reason given"])[0][:_SHOWN]


def _last_line(stderr: str) -> str:
    return (stderr.strip().splitlines() or ["no reason given"])[-1][:_SHOWN]
