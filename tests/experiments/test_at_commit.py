"""A run made with code that has moved on since, played again with the code it was made with."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from experiments.record import REPOSITORY
from tests.experiments.test_reproduce import CLASSIFIER
from tracking.store import Store

pytestmark = pytest.mark.slow


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """The working tree's sources as a repository of their own, with one commit."""
    folder = tmp_path / "repository"
    names = _git(REPOSITORY, "ls-files", "--cached", "--others", "--exclude-standard").splitlines()
    for name in names:
        if (REPOSITORY / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(REPOSITORY / name, folder / name)
    _git(folder, "init", "-q")
    _commit(folder, "the beginning")
    return folder


def _git(folder: Path, *arguments: str) -> str:
    process = subprocess.run(
        ["git", "-C", str(folder), *arguments], capture_output=True, text=True, check=True
    )
    return process.stdout


def _commit(folder: Path, message: str) -> None:
    _git(folder, "add", "-A")
    _git(folder, "-c", "user.name=test", "-c", "user.email=test@example.org", "commit", "-qm", message)


def _encore(repository: Path, *arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "cli", *map(str, arguments)],
        cwd=repository,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(repository)},
    )


def _edit(file: Path, old: str, new: str) -> None:
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new, 1))


def test_a_run_is_identical_at_its_commit_after_three_more_and_another_schema(
    repository: Path, root: Path
) -> None:
    dropout = repository / "lightning_modules" / "dropout.py"
    _edit(
        dropout, "_LEVELS / (_LEVELS - dropped)", "1.001 * _LEVELS / (_LEVELS - dropped)"
    )  # uncommitted: the patch
    made = _encore(repository, "train", "demo_reviews", *CLASSIFIER, "--root", root, "--json")
    assert made.returncode == 0, made.stderr
    run_id = json.loads(made.stdout)["run_id"]
    _git(repository, "checkout", "-q", "--", ".")

    for field in ("weight_decay", "epsilon", "beta1"):
        for file in (repository / "experiments" / "config.py", repository / "experiments" / "build.py"):
            _edit(file, field if file.name == "config.py" else f"optim.{field}",
                  f"renamed_{field}" if file.name == "config.py" else f"optim.renamed_{field}")  # fmt: skip
        _commit(repository, f"rename {field}")

    here = _encore(repository, "reproduce", run_id, "--root", root)
    assert here.returncode == 2
    assert "no such key" in here.stderr
    then = _encore(repository, "reproduce", run_id, "--at-commit", "--root", root, "--json")
    assert then.returncode == 0, then.stderr
    certificate = json.loads(then.stdout)
    assert certificate["verdict"] == "identical"
    assert certificate["differences"] == []
    again = Store.open(root).find(certificate["actual"]["run_id"])
    assert again.tags["encore.reproduces"] == run_id
    assert not list((root / "worktrees").iterdir())
    assert _git(repository, "worktree", "list").count("\n") == 1

    record = Store.open(root).find(run_id)
    patch = Store.open(root).artifact(record, "run/working_tree.patch")
    patch.write_text(patch.read_text().replace("_LEVELS / (_LEVELS - dropped)", "something else", 1))
    refused = _encore(repository, "reproduce", run_id, "--at-commit", "--root", root)
    assert refused.returncode == 2
    assert "the recorded patch does not apply" in refused.stderr.strip().splitlines()[-1]
    assert "Traceback" not in refused.stderr


def test_recorded_code_that_does_not_run_is_one_line(repository: Path, root: Path) -> None:
    made = _encore(repository, "train", "demo_reviews", *CLASSIFIER, "--root", root, "--json")
    run_id = json.loads(made.stdout)["run_id"]
    patch = Store.open(root).artifact(Store.open(root).find(run_id), "run/working_tree.patch")
    _edit(
        repository / "experiments" / "train.py", "import shutil\n", "import shutil\nimport no_such_module\n"
    )
    patch.write_text(_git(repository, "diff"))
    _git(repository, "checkout", "-q", "--", ".")
    broken = _encore(repository, "reproduce", run_id, "--at-commit", "--root", root)
    assert broken.returncode == 2
    assert "the recorded code ended with 1 (ModuleNotFoundError" in broken.stderr
    assert not list((root / "worktrees").iterdir())


def test_a_commit_that_is_not_here_is_said_to_be_missing(repository: Path, root: Path) -> None:
    made = _encore(repository, "train", "demo_reviews", *CLASSIFIER, "--root", root, "--json")
    run_id = json.loads(made.stdout)["run_id"]
    shutil.rmtree(repository / ".git")
    _git(repository, "init", "-q")
    _commit(repository, "another history")
    refused = _encore(repository, "reproduce", run_id, "--at-commit", "--root", root)
    assert refused.returncode == 2
    assert "is not in this repository" in refused.stderr
