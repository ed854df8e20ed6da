"""Runs on a real MLflow server, which keeps the artifacts: played again and resumed from another folder."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from experiments.reproduction.fork import fork
from experiments.reproduction.reproduce import check, reproduce
from experiments.reproduction.resume import resume
from experiments.reproduction.verdict import Tolerance, compare
from experiments.training.origin import FromScratch, RunIdentity
from experiments.training.train import train
from host.files import entries
from runs.files import RunFiles, run_named
from runs.outcome import read_outcome
from runs.verify import verify
from tests.killed import killed_at
from tests.tiny import repeated_classifier
from tracking.entities import Experiment
from tracking.store import Store

pytestmark = pytest.mark.slow


def test_a_run_on_a_server_is_identical_when_played_again_from_elsewhere(server: Any, tmp_path: Path) -> None:
    here, elsewhere = (Store.open(tmp_path / name, server.uri) for name in ("here", "elsewhere"))
    run_id = train(repeated_classifier(), here).run_id
    assert not list((here.root / "checkpoints").iterdir())  # the server has them
    found = reproduce(run_named(elsewhere, run_id))
    assert found.comparison.verdict == "identical"
    assert check(run_named(elsewhere, run_id)) == []
    assert [checked for checked in verify(run_named(elsewhere, found.run_id)) if not checked.holds] == []
    assert (
        elsewhere.artifact(elsewhere.find(found.run_id), "certificate.md")
        .read_text()
        .startswith("# Identical")
    )


def test_a_killed_run_on_a_server_goes_on(server: Any, tmp_path: Path) -> None:
    store = Store.open(tmp_path / "mlruns", server.uri)
    config = repeated_classifier("export.when=never", "data.selection_seed=1")
    whole = train(config, store).run_id
    with killed_at(6):
        train(config, store)
    killed = next(run for run in store.runs() if run.status == "FAILED")
    assert [path.name for path in (store.root / "checkpoints").iterdir()] == [killed.run_id]
    resume(RunFiles(store, killed))
    found, expected = (read_outcome(run_named(store, run)) for run in (killed.run_id, whole))
    assert (found.digests, found.points, found.metrics) == (
        expected.digests,
        expected.points,
        expected.metrics,
    )
    assert not list((store.root / "checkpoints").iterdir())


def test_a_run_on_a_server_is_forked_and_taken_over_from_elsewhere(server: Any, tmp_path: Path) -> None:
    here, elsewhere = (Store.open(tmp_path / name, server.uri) for name in ("here", "elsewhere"))
    config = repeated_classifier(
        "export.when=never", "train.keep_checkpoint_every_steps=3", "data.selection_seed=2"
    )
    whole = here.find(train(config, here).run_id)
    forked = elsewhere.find(fork(RunFiles(elsewhere, whole), "6", []).run_id)
    found = compare(
        read_outcome(RunFiles(elsewhere, whole)), read_outcome(RunFiles(elsewhere, forked)), Tolerance()
    )
    assert (found.first_difference, found.steps_compared) == (None, 2)
    assert found.digests["weights/last"]  # the best may lie before the fork
    assert reproduce(run_named(here, forked.run_id)).comparison.verdict == "identical"
    taken = train(config, elsewhere, FromScratch(reuse=True), RunIdentity(parent_id=forked.run_id))
    assert taken.reused == whole.run_id
    found = compare(
        read_outcome(RunFiles(elsewhere, whole)),
        read_outcome(run_named(elsewhere, taken.run_id)),
        Tolerance(),
    )
    assert found.verdict == "identical"


def test_a_file_that_was_added_on_a_server_is_named(server: Any, tmp_path: Path) -> None:
    here, elsewhere = (Store.open(tmp_path / name, server.uri) for name in ("here", "elsewhere"))
    log = here.start_run(
        experiment=Experiment("e", "m"), name="n", params={}, tags={"encore.kind": "sweep"}, description=""
    )
    log.log_text("one", "run/a.txt")
    with log.folder("model") as folder:
        (folder / "deep").mkdir()
        (folder / "deep" / "b").write_text("two")
    log.finish("FINISHED")
    record = elsewhere.find(log.run_id)
    assert sorted(entries(elsewhere.artifact(record, "model"))) == ["deep", "deep/b"]
    assert set(elsewhere.files.manifest(record) or {}) == {"run/a.txt", "model/deep/b"}
    assert [check for check in verify(RunFiles(elsewhere, record)) if not check.holds] == []
    here.client.log_text(log.run_id, "", "model/custom_generate/generate.py")
    broken = {check.file for check in verify(RunFiles(elsewhere, record)) if not check.holds}
    assert broken == {"model/custom_generate", "model/custom_generate/generate.py"}
