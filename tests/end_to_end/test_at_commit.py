"""A run made with code that has moved on since, played again with the code it was made with."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from benchmarks.clone import Edit, clone, commit, encore, git
from tests.end_to_end.prepared_code import PATCH, prepare
from tests.overrides import latest
from tests.processes import inside
from tests.tiny import REPEATED_CLASSIFIER
from tracking.store import Store

pytestmark = pytest.mark.slow
UNEXPORTED = latest([*REPEATED_CLASSIFIER, "export.when=never", "train.threads=1"])


Trained = tuple[Path, Path, str]
"""A repository, a store and the ID of a run there that was trained with it."""


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The program in a repository of its own, and a cache of its own for what --at-commit checks out."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return clone(tmp_path / "repository")


@pytest.fixture(scope="module")
def made(migrated: Path, tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """With the program as it is, for all tests that change it afterwards; never to be altered."""
    folder = tmp_path_factory.mktemp("at commit")
    repository, root = clone(folder / "repository"), folder / "mlruns"
    root.mkdir()
    shutil.copy(migrated, root / "mlflow.db")
    done = encore(repository, "train", "demo_reviews", *UNEXPORTED, "--root", root, "--json")
    assert done.returncode == 0, done.stderr
    return repository, root, json.loads(done.stdout)["run_id"]


@pytest.fixture
def trained(made: Trained, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Trained:
    """A copy of it."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    for folder in made[:2]:
        shutil.copytree(folder, tmp_path / folder.name)
    return tmp_path / made[0].name, tmp_path / made[1].name, made[2]


@pytest.fixture
def worktrees(tmp_path: Path) -> Path:
    return tmp_path / "cache" / "encore" / "worktrees"


def played(repository: Path, run_id: str, *options: object, root: Path) -> subprocess.CompletedProcess[str]:
    """At its commit, as that repository's own program does it: only the recorded code has a process of its own."""
    with pytest.MonkeyPatch.context() as patch:
        for module in ("at_commit", "trust"):
            patch.setattr(f"experiments.reproduction.{module}.REPOSITORY", repository)
        return inside("reproduce", run_id, "--at-commit", *options, "--root", root)


def record_patch(root: Path, run_id: str, text: str) -> None:
    """Have the run's record say that this was its patch."""
    prepare(root, run_id, {PATCH: text})


def test_a_run_is_identical_at_its_commit_after_three_more_and_another_schema(
    repository: Path, root: Path, worktrees: Path
) -> None:
    dropout = repository / "lightning_modules" / "kernels" / "dropout.py"
    Edit(dropout, "_LEVELS / (_", "1.001 * _LEVELS / (_").make()  # uncommitted: the patch
    made = encore(repository, "train", "demo_reviews", *REPEATED_CLASSIFIER, "--root", root, "--json")
    assert made.returncode == 0, made.stderr
    run_id = json.loads(made.stdout)["run_id"]
    git(repository, "checkout", "-q", "--", ".")

    for field in ("weight_decay", "epsilon", "beta1"):
        room = repository / "lightning_modules"
        for file, before in ((room / "settings.py", ""), (room / "optimisation.py", "config.")):
            Edit(file, f"{before}{field}", f"{before}renamed_{field}").make()
        commit(repository, f"rename {field}")

    here = encore(repository, "reproduce", run_id, "--root", root)
    assert here.returncode == 2
    assert "no such key" in here.stderr
    assert f"`encore reproduce {run_id[:8]} --at-commit --root '{root}'` plays it" in here.stderr
    then = encore(repository, "reproduce", run_id, "--at-commit", "--root", root, "--json")
    assert then.returncode == 0, then.stderr
    certificate = json.loads(then.stdout)
    assert certificate["verdict"] == "identical"
    assert certificate["differences"] == []
    again = Store.open(root).find(certificate["actual"]["run_id"])
    assert again.tags["encore.reproduces"] == run_id
    assert not list(worktrees.iterdir())
    assert git(repository, "worktree", "list").count("\n") == 1

    patch = Store.open(root).artifact(Store.open(root).find(run_id), PATCH)
    other = patch.read_text().replace("_LEVELS / (_LEVELS - dropped)", "something else", 1)
    patch.write_text(other)
    altered = played(repository, run_id, root=root)
    assert altered.returncode == 2
    assert f"{PATCH} is not what was recorded" in altered.stderr
    record_patch(root, run_id, other)
    refused = played(repository, run_id, "--trust", root=root)
    assert refused.returncode == 2
    assert "the recorded patch does not apply" in refused.stderr.strip().splitlines()[-1]
    assert "Traceback" not in refused.stderr


def test_recorded_code_that_does_not_run_is_one_line(trained: Trained, worktrees: Path) -> None:
    repository, root, run_id = trained
    first = "from typing import TYPE_CHECKING\n"
    Edit(
        repository / "experiments" / "training" / "train.py", first, f"import no_such_module\n{first}"
    ).make()
    record_patch(root, run_id, git(repository, "diff"))
    git(repository, "checkout", "-q", "--", ".")
    broken = played(repository, run_id, "--trust", root=root)
    assert broken.returncode == 2
    assert "the recorded code ended with 3 (encore: a fault of Encore's own (No module named" in broken.stderr
    assert not list(worktrees.iterdir())


def test_other_threads_are_taken_at_the_commit_too(trained: Trained) -> None:
    repository, root, run_id = trained
    again = played(repository, run_id, "--threads", 2, "--json", root=root)
    (cause,) = json.loads(again.stdout)["differences"]
    assert (cause["kind"], cause["recorded"], cause["actual"]) == ("threads", "1", "2")


def test_a_commit_that_is_not_here_is_said_to_be_missing(trained: Trained) -> None:
    repository, root, run_id = trained
    shutil.rmtree(repository / ".git")
    git(repository, "init", "-q")
    commit(repository, "another history")
    refused = played(repository, run_id, root=root)
    assert refused.returncode == 2
    assert "is not in this repository" in refused.stderr


def test_a_word_in_a_table_makes_no_run_another_and_a_figure_in_a_kernel_does(trained: Trained) -> None:
    repository, root, run_id = trained
    options = [*UNEXPORTED, "--root", root, "--json"]
    Edit(repository / "cli" / "sweep_tables.py", '"held-out"', '"validation"').make()
    commit(repository, "another heading")
    Edit(repository / "docs" / "values.md", "#", "# More on").make()  # and one that is not committed
    again = json.loads(encore(repository, "train", "demo_reviews", *options).stdout)
    assert (again["run_id"], again["reused"]) == (run_id, run_id)
    checked = encore(repository, "reproduce", run_id, "--check", "--root", root, "--json")
    assert (checked.returncode, json.loads(checked.stdout)) == (0, [])

    kernel = repository / "lightning_modules" / "kernels" / "dropout.py"
    Edit(kernel, "_LEVELS / (_", "1.001 * _LEVELS / (_").make()
    other = json.loads(encore(repository, "train", "demo_reviews", *options).stdout)
    assert (other["run_id"] == run_id, other["reused"]) == (False, None)
    named = encore(repository, "reproduce", run_id, "--check", "--root", root, "--json")
    assert named.returncode == 1
    assert [(cause["kind"], cause["name"]) for cause in json.loads(named.stdout)] == [
        ("code", "lightning_modules/kernels/dropout.py")
    ]
