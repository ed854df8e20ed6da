"""Whose code a record names: this machine's own is run, anybody else's only when somebody says so."""

from __future__ import annotations

import hashlib
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from errors import UserError
from experiments.reproduction import trust
from experiments.reproduction.trust import RecordedCode, Summary, check_trusted, recorded_code
from runs.files import RunFiles
from runs.layout import PATCH_FILE, PROVENANCE_FILE
from tracking.entities import Experiment
from tracking.own_code import code_digest, is_remembered, own_code_file, remember
from tracking.store import Store

PATCH = """\
diff --git a/cli/__main__.py b/cli/__main__.py
--- a/cli/__main__.py
+++ b/cli/__main__.py
@@ -1 +1,2 @@
-old
+import os
+os.system("touch /tmp/marker")
"""


def _git(folder: Path, *arguments: str) -> str:
    identity = ("-c", "user.name=n", "-c", "user.email=e", "-c", "commit.gpgsign=false")
    return subprocess.run(
        ["git", "-C", folder, *identity, *arguments], check=True, capture_output=True, text=True
    ).stdout


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two commits on the branch `mine`, and one that is on none."""
    folder = tmp_path / "repository"
    folder.mkdir()
    _git(folder, "init", "-q", "-b", "mine")
    (folder / "requirements.lock").write_text("torch==2.13.0\nrich==15.0\n")
    _git(folder, "add", "-A")
    _git(folder, "commit", "-qm", "the first\x1b[31m")
    (folder / "requirements.lock").write_text("torch==2.13.0\nrich==15.1\n")
    _git(folder, "commit", "-qam", "the second")
    _git(folder, "checkout", "-q", "--detach")
    _git(folder, "commit", "-q", "--allow-empty", "-m", "of nobody")
    _git(folder, "update-ref", "refs/remotes/theirs/main", "HEAD")
    _git(folder, "checkout", "-q", "mine")
    monkeypatch.setattr(trust, "REPOSITORY", folder)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    return folder


LOCK = hashlib.sha256(b"torch==2.13.0\nrich==15.1\n").hexdigest()
Recorded = Callable[..., RunFiles]


@pytest.fixture
def recorded(store: Store, repository: Path) -> Recorded:
    """A run whose record says this; everything in it as whoever prepares a store writes it."""

    def make(commit: str, patch: str = "", lock: str | None = LOCK, **code: Any) -> RunFiles:
        log = store.start_run(
            experiment=Experiment("e", "val/loss"), name="n", params={}, tags={}, description=""
        )
        said = {"commit": commit, "remote": None, **code}
        log.log_json({"code": said, "lock_digest": lock}, PROVENANCE_FILE)
        log.log_text(patch, PATCH_FILE)
        log.finish("FINISHED")
        return RunFiles(store, store.find(log.run_id))

    return make


def _own(commit: str, patch: str = "", lock: str | None = LOCK, folder: str = "") -> None:
    remember(code_digest(commit, folder, hashlib.sha256(patch.encode()).hexdigest(), lock))


def _head(repository: Path) -> str:
    return _git(repository, "rev-parse", "mine").strip()


def _never(_summary: Summary) -> bool:
    raise AssertionError("nobody is to be asked")


def test_what_this_machine_recorded_needs_no_question(recorded: Recorded, repository: Path) -> None:
    commit = _head(repository)
    run = recorded(commit, PATCH)
    _own(commit, PATCH)
    code = recorded_code(run)
    assert code == RecordedCode(commit, "", None, PATCH.encode(), LOCK, own=True)
    check_trusted(run, code, _never)


@pytest.mark.parametrize("other", ["patch", "lock", "folder", "commit"])
def test_another_patch_lock_folder_or_commit_is_somebody_elses(
    recorded: Recorded, repository: Path, other: str
) -> None:
    commit = _head(repository)
    _own(commit, PATCH)
    run = recorded(
        _git(repository, "rev-parse", "mine~1").strip() if other == "commit" else commit,
        PATCH.replace("touch", "rm") if other == "patch" else PATCH,
        "0" * 64 if other == "lock" else LOCK,
        folder="tests/" if other == "folder" else "",
    )
    code = recorded_code(run)
    assert not code.own
    with pytest.raises(UserError, match="--trust") as refused:
        check_trusted(run, code, None)
    assert "a patch of 1 files (+2 -1)" in str(refused.value)
    assert "\n" not in str(refused.value)


def test_what_is_shown_says_whose_it_is(recorded: Recorded, repository: Path) -> None:
    shown: list[Summary] = []
    first = _git(repository, "rev-parse", "mine~1").strip()
    for commit in (first, _git(repository, "rev-parse", "theirs/main").strip()):
        run = recorded(commit, PATCH)
        check_trusted(run, recorded_code(run), lambda summary: shown.append(summary) or True)
    assert shown[0].subject == "the first\\x1b[31m"
    assert shown[0].branches == ("mine",)
    assert shown[0].files == (("cli/__main__.py", "2", "1"),)
    assert shown[0].pins == ("rich==15.0",)
    assert shown[1].branches == ()
    assert "on no local branch" in str(shown[1])


def test_however_the_folder_is_written_its_pins_are_shown(recorded: Recorded, repository: Path) -> None:
    run = recorded(_git(repository, "rev-parse", "mine~1").strip(), folder=".")
    with pytest.raises(UserError, match="1 pins that differ"):
        check_trusted(run, recorded_code(run), None)


@pytest.mark.parametrize(
    ("remote", "is_shown"),
    [
        ("https://example.org/a/b.git", True),
        ("git@example.org:a/b.git", True),
        ("ssh://git@example.org:22/~a/b", True),
        ("--upload-pack=touch${IFS}/tmp/marker .", False),
        ("https://example.org/$(touch /tmp/marker)", False),
        ("https://example.org/a`id`", False),
        ("ext::sh -c touch% /tmp/marker", False),
        ("-u@example.org:a", False),
    ],
)
def test_no_strangers_command_is_offered_to_be_copied(
    remote: str, is_shown: bool, recorded: Recorded, repository: Path
) -> None:
    run = recorded("0" * 40, remote=remote)
    with pytest.raises(UserError, match="is not in this repository") as told:
        check_trusted(run, recorded_code(run), None)
    assert (f"`git fetch {remote}`" in str(told.value)) == is_shown
    assert ("git fetch" in str(told.value)) == is_shown


def test_who_says_no_is_obeyed(recorded: Recorded, repository: Path) -> None:
    run = recorded(_head(repository))
    with pytest.raises(UserError, match="its code was not run"):
        check_trusted(run, recorded_code(run), lambda _: False)


@pytest.mark.parametrize(
    "commit", ["HEAD", "mine", "--upload-pack=touch /tmp/x", "abc123", "A" * 40, "0" * 39 + "g", 7, ["a"]]
)
def test_a_commit_is_forty_hex_digits(recorded: Recorded, commit: object) -> None:
    run = recorded(commit)
    with pytest.raises(UserError, match=r"provenance\.json is not what was recorded"):
        recorded_code(run)


@pytest.mark.parametrize("folder", ["../..", "/etc", "a/../../b", ".git/hooks", "a\nb", 3])
def test_sources_lie_inside_their_commit(recorded: Recorded, repository: Path, folder: object) -> None:
    run = recorded(_head(repository), folder=folder)
    with pytest.raises(UserError, match=r"provenance\.json is not what was recorded"):
        recorded_code(run)


def test_a_patch_that_is_none_is_altered(recorded: Recorded, repository: Path) -> None:
    run = recorded(_head(repository), "diff --git a/x b/x\n@@ what\n")
    with pytest.raises(UserError, match=r"working_tree\.patch is not what was recorded"):
        check_trusted(run, recorded_code(run), None)


def test_a_state_folder_that_cannot_be_written_remembers_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "file"))
    digest = "a" * 64
    remember(digest)
    assert not is_remembered(digest)


def test_what_is_remembered_is_this_users_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    remember("a" * 64)
    remember("a" * 64)
    remember("b" * 64)
    assert own_code_file().read_text() == f"{'a' * 64}\n{'b' * 64}\n"
    assert own_code_file().stat().st_mode & 0o077 == 0
    assert not is_remembered("")
    assert not is_remembered("a" * 63)
    monkeypatch.setenv("XDG_STATE_HOME", "relative")
    assert own_code_file() == Path(os.environ["HOME"]) / ".local/state/encore/recorded_code"
