"""A run goes on after a fault of the disk, in a copy of its store, and under other circumstances."""

from __future__ import annotations

import shutil
import socket
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
import torch

from experiments.reproduction.reproduce import check
from experiments.reproduction.resume import resume
from experiments.training.train import train
from runs.checkpoint import is_whole
from runs.files import RunFiles, run_named
from runs.verify import verify
from tests.killed import Killed, killed_at, newest, outcome
from tests.overrides import latest
from tests.processes import started, wait_until
from tests.tiny import INTERRUPTED_CLASSIFIER, classifier
from tracking.store import Store


def _killed(*_arguments: object, **_named: object) -> None:
    raise Killed


@pytest.mark.slow
@pytest.mark.parametrize(
    ("settings", "damaged"),
    [
        ((), "best"),  # the last is the best: both names are one file
        (("optim.learning_rate=0.2",), "last"),
    ],
)
def test_damaged_weights_of_a_training_that_had_ended_come_from_its_checkpoint(
    shared: Store, settings: tuple[str, ...], damaged: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = train(classifier(*settings), shared)
    with monkeypatch.context() as patch:
        patch.setattr("experiments.training.run.evaluate", _killed)
        with pytest.raises(Killed):
            train(classifier(*settings), shared)
    run = newest(shared)
    weights = shared.artifact(run, f"checkpoints/{damaged}.safetensors")
    assert (weights.stat().st_nlink == 2) == (damaged == "best")
    content = bytearray(weights.read_bytes())
    content[-1] ^= 64
    weights.write_bytes(content)  # in place, as a fault of the disk
    resume(RunFiles(shared, run))
    assert outcome(shared, run.run_id) == outcome(shared, whole.run_id)
    assert [file.name for file in weights.parent.iterdir() if file.name.startswith(".")] == []


def test_a_run_that_passed_over_a_damaged_checkpoint_comes_to_its_end(shared: Store) -> None:
    with killed_at(17):
        train(classifier("train.keep_checkpoint_every_steps=7"), shared)
    run = newest(shared)
    file = shared.artifact(run, "checkpoints/step-7.ckpt")
    content = file.read_bytes()
    file.unlink()  # it may be one file with another
    file.write_bytes(content[: len(content) // 2])
    resume(RunFiles(shared, run))
    run = shared.find(run.run_id)
    assert run.status == "FINISHED"
    others = [(found.file, found.found) for found in verify(RunFiles(shared, run)) if not found.holds]
    assert others == [("checkpoints/step-7.ckpt", "damaged")]


@pytest.mark.slow
def test_a_checkpoint_is_damaged_whichever_of_its_bytes_is_another(tmp_path: Path) -> None:
    path = tmp_path / "last.ckpt"
    torch.save({"weights": torch.arange(20.0)}, path)
    content = path.read_bytes()
    for position in range(len(content)):
        path.write_bytes(content[:position] + bytes([content[position] ^ 1]) + content[position + 1 :])
        if is_whole(path):
            assert torch.load(path, weights_only=True)["weights"].tolist() == list(range(20))
    path.write_bytes(b"PK\x05\x06" + bytes(18))  # an archive of nothing
    assert not is_whole(path)


@pytest.mark.slow
def test_what_a_part_of_a_run_ran_under_is_a_cause(shared: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    with killed_at(15):
        train(classifier(), shared)
    run = newest(shared)
    monkeypatch.setenv("MALLOC_CONF", "one")
    with killed_at(9):
        resume(RunFiles(shared, run))
    monkeypatch.setenv("MALLOC_CONF", "two")
    resume(run_named(shared, run.run_id))
    monkeypatch.delenv("MALLOC_CONF")
    then = "flag: MALLOC_CONF: none then, one now; flag: MALLOC_CONF: none then, two now"
    assert [str(cause) for cause in check(run_named(shared, run.run_id))] == [
        f"resumed: in part under: {then} then, none now"
    ]


@pytest.mark.slow
def test_a_run_that_lost_its_owner_goes_on_in_a_copied_store_and_leaves_the_first_one_alone(
    shared: Store, tmp_path: Path
) -> None:
    with killed_at(15):
        train(classifier(), shared)
    run_id = newest(shared).run_id
    copied = tmp_path / "copied"
    shutil.copytree(shared.root, copied)
    with closing(sqlite3.connect(copied / "mlflow.db")) as database, database:
        database.execute("UPDATE runs SET status = 'RUNNING' WHERE run_uuid = ?", (run_id,))
        dead = f"{socket.gethostname()}:{2**22 + 1}:1.00"
        database.execute("UPDATE tags SET value = ? WHERE key = 'encore.owner'", (dead,))
    first = {path: path.stat().st_mtime_ns for path in shared.root.rglob("*")}
    store = Store.open(copied)
    resume(run_named(store, run_id))
    assert {path: path.stat().st_mtime_ns for path in shared.root.rglob("*")} == first
    assert str(store.artifact(store.find(run_id), "run/result.json")).startswith(str(copied))


@pytest.mark.slow
def test_a_store_that_was_moved_before_its_killed_run_was_noticed_is_whole(
    root: Path, tmp_path: Path
) -> None:
    options = latest([*INTERRUPTED_CLASSIFIER, "train.max_steps=4000", "train.checkpoint_every_steps=5"])
    finished = train(classifier("seed=3"), Store.open(root)).run_id
    process = started("train", "demo_reviews", *options, "--root", root)
    wait_until(lambda: any((root / "artifacts").glob("*/*/artifacts/checkpoints/last.ckpt")), process)
    wait_until(lambda: len(list((root / "journal").glob("*.jsonl"))) == 1, process)
    process.kill()
    process.wait(30)
    copied, moved = (tmp_path / how / "mlruns" for how in ("copied", "moved"))
    shutil.copytree(root, copied)
    _check_whole(copied, finished)
    moved.parent.mkdir()
    shutil.move(root, moved)
    _check_whole(moved, finished)


def _check_whole(elsewhere: Path, finished: str) -> None:
    store = Store.read(elsewhere)
    states = {run.run_id: run.status for run in store.runs()}
    assert sorted(states.values()) == ["FINISHED", "KILLED"]
    assert all(str(elsewhere) in run.artifact_uri for run in store.runs())
    assert all(check.holds for check in verify(run_named(store, finished)))
    assert not list((elsewhere / "journal").glob("*.jsonl"))
    assert Store.read(elsewhere).reader is not None  # nothing is left undone
