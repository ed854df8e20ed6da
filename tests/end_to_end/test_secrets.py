"""Real runs with secrets in everything that a command reads; then every file of the store is searched."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from benchmarks.clone import Edit, clone, encore, git
from tests.overrides import latest
from tests.processes import inside
from tests.tiny import REPEATED_CLASSIFIER
from tests.tracking.planted import named, shapes
from tests.tracking.test_secret_sinks import found_in
from tracking.store import Store

pytestmark = pytest.mark.slow
SHORT = (*latest([*REPEATED_CLASSIFIER, "train.max_steps=4", "export.when=never"]), "--again")
PLANTED = {**shapes(), **named()}
SECRETS = [secret for _, secret in PLANTED.values()]


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """Encore's sources, with secrets in a tracked and an untracked file for each form, a file's name and a remote."""
    folder = clone(tmp_path / "repository")
    for number in range(len(PLANTED)):
        (folder / f"tracked{number}.md").write_text("before\n")
    git(folder, "add", "-A")
    git(
        folder,
        "-c",
        "user.name=n",
        "-c",
        "user.email=e",
        "-c",
        "commit.gpgsign=false",
        "commit",
        "-qm",
        "more",
    )
    for number, (text, _) in enumerate(PLANTED.values()):
        (folder / f"tracked{number}.md").write_text(f"now\n{text}\n")
        (folder / f"untracked{number}.txt").write_text(f"{text}\n")
    for path, (text, _) in named().items():
        (folder / "docs" / path).write_text(text)
    token = shapes()["hugging face"][0]
    (folder / f"for {token}.txt").write_text("nothing\n")
    git(folder, "checkout", "-q", "-b", f"try-{token}")
    git(folder, "remote", "add", "origin", shapes()["address"][0].replace("postgresql", "https"))
    Edit(
        folder / "experiments" / "training" / "fitting.py",
        "def fit(",
        "# a change that the patch has\ndef fit(",
    ).make()
    return folder


def _environment() -> dict[str, str]:
    """What credentials stand in on a machine like ours, and one of the variables that a record has."""
    return {
        "HF_TOKEN": shapes()["hugging face"][1],
        "WANDB_API_KEY": shapes()["wandb"][1],
        "LAB_PASSWORD": "correct-horse7staple",
        "MALLOC_CONF": f"prof_prefix:{shapes()['gitlab'][1]}",
    }


def test_a_finished_and_a_failed_run_hold_none(repository: Path, root: Path) -> None:
    made = encore(
        repository, "train", "demo_reviews", *SHORT, "--root", root, "--json", environment=_environment()
    )
    assert made.returncode == 0, made.stderr
    store = Store.open(root)
    patch = store.artifact(
        store.find(json.loads(made.stdout)["run_id"]), "run/working_tree.patch"
    ).read_text()
    assert "+# a change that the patch has" in patch
    assert patch.count("looks like a credential") >= 2 * len(PLANTED)

    said = repository / "said.bin"
    said.write_bytes(
        b"\0" + "\n".join([*(text for text, _ in PLANTED.values()), "correct-horse7staple"]).encode()
    )
    Edit(
        repository / "experiments" / "training" / "fitting.py",
        "# a change that the patch has\n",
        f"raise_it = open({str(said)!r}).read\n",
    ).make()
    fitting = (repository / "experiments" / "training" / "fitting.py").read_text()
    start = fitting.index("    log.set_tags(")
    (repository / "experiments" / "training" / "fitting.py").write_text(
        f"{fitting[:start]}    raise RuntimeError(raise_it())\n{fitting[start:]}"
    )
    failed = encore(
        repository, "train", "demo_reviews", *SHORT, "seed=1", "--root", root, environment=_environment()
    )
    assert failed.returncode != 0
    newest = Store.open(root).runs(limit=1)[0]
    assert newest.status == "FAILED"
    assert "RuntimeError" in Store.open(root).artifact(newest, "run/traceback.txt").read_text()
    assert found_in(root, [*SECRETS, "correct-horse7staple"]) == []


def test_what_is_typed_is_refused_and_nothing_is_made(tmp_path: Path) -> None:
    root = tmp_path / "none"
    text, secret = shapes()["stripe live"]
    for command in (
        ("train", "demo_reviews", f"description=with {text}"),
        ("train", "demo_reviews", f"data.path=/data/{text}"),
        ("sweep", "demo", f"data.revision={text}"),
        ("generate", "ab", "--prompt", f"Once {text}"),
    ):
        refused = inside(*command, "--root", root)
        assert refused.returncode == 2
        assert "looks like a credential" in refused.stderr
        assert secret not in refused.stderr + refused.stdout
        assert refused.stderr.count("\n") == 1
    assert not root.exists()


def test_an_address_with_a_password_is_in_no_record(repository: Path, server: Any, tmp_path: Path) -> None:
    root, password = tmp_path / "mlruns", "geheim" + "42x"
    environment = {"MLFLOW_TRACKING_URI": server.uri.replace("//", f"//anna:{password}@")}
    made = encore(repository, "train", "demo_reviews", *SHORT, "--root", root, environment=environment)
    assert made.returncode == 0, made.stderr
    dead = {"MLFLOW_TRACKING_URI": f"http://anna:{password}@127.0.0.1:9"}
    failed = encore(repository, "train", "demo_reviews", *SHORT, "--root", root, environment=dead)
    assert failed.returncode == 2
    assert password not in failed.stderr + failed.stdout + made.stderr + made.stdout
    assert found_in(root, [password, *SECRETS]) == []
    assert found_in(server.folder, [password, *SECRETS]) == []
