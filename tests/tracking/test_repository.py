"""Which repository tracks the sources, and that no other one is looked at."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.tracking.repositories import git, repository, write
from tracking.provenance import collect
from tracking.repository import head_commit
from tracking.working_tree import working_tree_patch


def _sources_within(outer: Path, *, tracked: bool) -> Path:
    """Sources in a folder of somebody's repository, which has a file of its own that nobody else may see."""
    sources = outer / "tools" / "encore"
    write(sources, {"pyproject.toml": b"[project]\n", "a.py": b"a = 1\n"})
    git(outer, "init", "-q")
    write(outer, {"theirs": b"x\n"})
    git(outer, "add", "theirs", *(["tools"] if tracked else []))
    git(outer, "commit", "-q", "-m", "first")
    write(outer, {"diary.txt": b"Dear diary\n", "theirs": b"changed\n"})
    write(sources, {"a.py": b"a = 2\n", "new.py": b"b = 1\n"})
    return sources


def test_sources_inside_anothers_repository_have_no_patch_and_take_nothing_of_it(tmp_path: Path) -> None:
    sources = _sources_within(tmp_path, tracked=False)
    patch = working_tree_patch(sources)
    assert patch == (
        "# no patch: not a git repository of its own, and the one around it does not track these sources\n"
    )
    code = collect(sources).code
    assert (code.commit, code.branch, code.remote, code.dirty, code.folder) == (None, None, None, None, "")
    assert code.note is not None


def test_of_a_larger_repository_only_the_sources_are_looked_at(tmp_path: Path) -> None:
    (tmp_path / "outer").mkdir()
    sources = _sources_within(tmp_path / "outer", tracked=True)
    patch = working_tree_patch(sources)
    assert "diary" not in patch
    assert "theirs" not in patch
    assert "diff --git a/a.py b/a.py" in patch
    assert "diff --git a/new.py b/new.py" in patch
    code = collect(sources).code
    assert (code.commit, code.folder, code.dirty) == (head_commit(tmp_path / "outer"), "tools/encore/", True)
    clean = tmp_path / "clean"
    git(tmp_path / "outer", "worktree", "add", "-q", "--detach", str(clean), "HEAD")
    (tmp_path / "the.patch").write_text(patch)
    git(clean, "apply", f"--directory={code.folder}", str(tmp_path / "the.patch"))
    assert (clean / "tools/encore/a.py").read_text() == "a = 2\n"
    assert (clean / "tools/encore/new.py").exists()


def test_git_looks_at_the_sources_whatever_hook_it_runs_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("mine", "theirs"):
        (tmp_path / name).mkdir()
        repository(tmp_path / name, {"a.py": name.encode()})
    mine = head_commit(tmp_path / "mine")
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "theirs" / ".git"))
    assert head_commit(tmp_path / "mine") == mine
