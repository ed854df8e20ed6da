from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from pathlib import Path

import pytest

from tracking.provenance import code_tree_digest, collect, without_credentials


def _git(repository: Path, *arguments: str) -> None:
    identity = ("-c", "user.name=n", "-c", "user.email=e", "-c", "commit.gpgsign=false")
    subprocess.run(["git", "-C", repository, *identity, *arguments], check=True, capture_output=True)


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    top = tmp_path / "repository"
    (top / "package").mkdir(parents=True)
    (top / "package" / "__init__.py").write_text("")
    (top / "package" / "model.py").write_text("A = 1\n")
    (top / "requirements.lock").write_text("torch==2.13.0\n")
    _git(top, "init", "-q", "-b", "trunk")
    _git(top, "add", ".")
    _git(top, "commit", "-q", "-m", "first")
    _git(top, "remote", "add", "origin", "https://me:hunter2@host.example/repo.git")
    return top


def test_the_record_names_code_packages_and_machine(repository: Path) -> None:
    record = collect(repository).to_json()
    assert json.loads(json.dumps(record)) == record
    code = record["code"]
    assert len(code["commit"]) == 40
    assert (code["branch"], code["dirty"], code["note"]) == ("trunk", False, None)
    assert code["remote"] == "https://host.example/repo.git"
    assert record["lock_digest"] == hashlib.sha256(b"torch==2.13.0\n").hexdigest()
    assert record["distributions"]["mlflow"].startswith("3.")
    assert record["machine"]["logical_cores"] >= 1
    assert record["machine"]["memory_mib"] > 100
    assert record["machine"]["cpu_model"]
    (repository / "package" / "model.py").write_text("A = 2\n")
    assert collect(repository).code.dirty


def test_outside_a_repository_the_record_says_so(tmp_path: Path) -> None:
    code = collect(tmp_path).code
    assert code.commit is None
    assert code.note is not None
    assert "not a git repository" in code.note


def test_before_the_first_commit(tmp_path: Path) -> None:
    _git(tmp_path, "init", "-q")
    code = collect(tmp_path).code
    assert (code.commit, code.note) == (None, None)


def test_only_listed_variables_are_recorded(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    monkeypatch.setenv("HF_TOKEN", "hf_planted")
    record = collect(repository)
    assert record.environment["OMP_NUM_THREADS"] == "3"
    assert "planted" not in json.dumps(record.to_json())


def test_of_a_library_installed_twice_the_imported_version_is_recorded(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "overlay" / "numpy-0.0.1.dist-info"
    folder.mkdir(parents=True)
    (folder / "METADATA").write_text("Name: numpy\nVersion: 0.0.1\n")
    monkeypatch.syspath_prepend(folder.parent)
    assert collect(repository).distributions["numpy"] == "0.0.1"


def test_secrets_on_the_command_line_are_masked(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    command = ["encore", "hub.token=abc1", "--password", "abc2", "--api-key=abc3", "max_tokens=128"]
    monkeypatch.setattr(sys, "argv", [*command, "http://u:abc4@h", "hf_" + "a" * 30, "-v"])
    assert collect(repository).command == [
        *("encore", "hub.token=***", "--password", "***", "--api-key=***", "max_tokens=128"),
        *("http://***@h", "***", "-v"),
    ]


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://user:token@github.com/a/b.git", "https://github.com/a/b.git"),
        ("https://token@github.com/a/b.git?key=1", "https://github.com/a/b.git"),
        ("ssh://git@host:22/a", "ssh://host:22/a"),
        ("git@github.com:a/b.git", "git@github.com:a/b.git"),
        ("/srv/repo", "/srv/repo"),
    ],
)
def test_a_remote_without_its_credentials(url: str, shown: str) -> None:
    assert without_credentials(url) == shown


def test_the_code_digest_follows_the_packages_and_nothing_else(repository: Path) -> None:
    before = code_tree_digest(repository)
    (repository / "README.md").write_text("x")
    (repository / "tests").mkdir()
    (repository / "tests" / "test_a.py").write_text("x")
    assert code_tree_digest(repository) == before
    model = repository / "package" / "model.py"
    model.write_text("A = 1 \n")
    changed = code_tree_digest(repository)
    assert changed != before
    model.write_text("A = 1\n")
    assert code_tree_digest(repository) == before
    model.rename(repository / "package" / "other.py")
    assert code_tree_digest(repository) not in (before, changed)


def test_torch_is_asked_only_where_it_is_loaded(repository: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from tracking.provenance import collect\n"
        "print(collect(Path(sys.argv[1])).torch, 'torch' in sys.modules, 'mlflow' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, repository], capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["None", "False", "False"]
