"""Playing a run again with the code it was made with: its commit, its patch, its lock."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from errors import UserError
from experiments.checkout import REPOSITORY
from experiments.reproduction.environments import python_with
from experiments.reproduction.trust import RecordedCode, has_changes
from host.disk import disk_errors
from host.files import file_digest
from host.progress import Reporter, working
from runs.layout import PATCH_FILE
from tracking.own_code import cache_folder
from tracking.provenance import LOCK_FILE
from tracking.repository import git

if TYPE_CHECKING:
    from runs.files import RunFiles

_SHOWN = 200


def reproduce_at_commit(run: RunFiles, code: RecordedCode, *, threads: int | None, reporter: Reporter) -> str:
    """Play `run` again with `code`, which may be run here, in a process of its own; the new run's ID.

    threads: of torch; none: as recorded.
    UserError when the patch does not apply, or the lock cannot be installed.
    """
    with _worktree(run, code) as tree:
        _apply_patch(run, code, tree)
        sources = tree / code.folder
        python = _python(run, code, sources, reporter)
        return _reproduce(run, sources, python, threads, reporter)


@contextmanager
def _worktree(run: RunFiles, code: RecordedCode) -> Generator[Path]:
    """The recorded commit checked out in this user's cache; removed afterwards."""
    tree = cache_folder() / "worktrees" / f"{run.record.run_id[:12]}-{os.getpid()}"
    with disk_errors(tree):
        tree.parent.mkdir(parents=True, exist_ok=True)
    try:
        _check_out(code.commit, tree)
        yield tree
    finally:
        shutil.rmtree(tree, ignore_errors=True)
        git(REPOSITORY, "worktree", "prune")


def _check_out(commit: str, tree: Path) -> None:
    """Without hooks: what they do in the user's own checkouts is not meant for this one."""
    no_hooks = ("-c", f"core.hooksPath={os.devnull}")
    try:
        git(REPOSITORY, *no_hooks, "worktree", "add", "--detach", str(tree), commit)
    except subprocess.CalledProcessError as error:
        raise UserError(
            f"git cannot check commit {commit[:12]} out ({_first_line(error.stderr)})",
            where=str(tree),
            cure="Mend what git names, or leave --at-commit out.",
        ) from error


def _apply_patch(run: RunFiles, code: RecordedCode, tree: Path) -> None:
    """git itself refuses paths that lead out of the tree, through links or into .git."""
    if not has_changes(code.patch):
        return
    below = [f"--directory={code.folder}"] if code.folder else []
    try:
        git(tree, "apply", "--whitespace=nowarn", *below, "-", stdin=code.patch)
    except subprocess.CalledProcessError as error:
        raise UserError(
            f"the recorded patch does not apply ({_first_line(error.stderr)})",
            where=f"{run.where}: {PATCH_FILE}",
            cure="The artifact was altered; restore it.",
        ) from error


def _python(run: RunFiles, code: RecordedCode, sources: Path, reporter: Reporter) -> str:
    """An interpreter with what the recorded lock says: this one, where it is the lock of here."""
    here, lock = REPOSITORY / LOCK_FILE, sources / LOCK_FILE
    if not lock.exists() or (here.exists() and here.read_bytes() == lock.read_bytes()):
        return sys.executable
    found = file_digest(lock)
    if found != code.lock_digest:
        raise UserError(
            f"the lock of the commit is not the recorded one ({found[:12]}, not {str(code.lock_digest)[:12]})",
            where=run.where,
            cure="It was changed without being committed; put the recorded one there.",
        )
    return python_with(sources, found, own=code.own, busy=partial(working, reporter))


def _reproduce(run: RunFiles, sources: Path, python: str, threads: int | None, reporter: Reporter) -> str:
    """Let the recorded program play its own run again; it knows what its record means. The new run's ID."""
    command = [python, "-m", "cli", "reproduce", run.record.run_id, "--root", str(run.store.root), "--json"]
    if threads is not None:
        command += ["--threads", str(threads)]
    environment = {**os.environ, "MLFLOW_TRACKING_URI": run.store.uri, "PYTHONPATH": str(sources)}
    with working(reporter, f"training with the code of {sources.name}"):
        process = subprocess.run(
            command, cwd=sources, capture_output=True, text=True, check=False, env=environment
        )
    try:  # exit code 1 is that program's verdict; ours comes from the new run itself
        return str(json.loads(process.stdout)["actual"]["run_id"])
    except (ValueError, KeyError) as error:
        raise UserError(
            f"the recorded code ended with {process.returncode} ({_last_line(process.stderr)})",
            where=run.where,
            cure="Its message says why.",
        ) from error


def _first_line(stderr: bytes) -> str:
    return (stderr.decode(errors="replace").strip().splitlines() or ["no reason given"])[0][:_SHOWN]


def _last_line(stderr: str) -> str:
    return (stderr.strip().splitlines() or ["no reason given"])[-1][:_SHOWN]
