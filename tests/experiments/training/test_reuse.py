"""A recipe that has finished is not trained once more unless one asks for it."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping
from pathlib import Path

import pytest

from errors import UserError
from experiments.reproduction.reproduce import reproduce
from experiments.reproduction.resume import resume
from experiments.reproduction.verdict import Tolerance, compare
from experiments.training.origin import FromScratch, Hooks, RunIdentity
from experiments.training.train import train
from runs.files import RunFiles, run_named
from runs.layout import DIGESTS_FILE
from runs.outcome import read_outcome
from runs.verify import verify
from sweeps.run import run_sweep
from tests.killed import killed_at, newest
from tests.sweep_specs import load_sweep
from tests.tiny import classifier
from tracking.store import Store

EXPORTED = ["export.when=finished", "export.scored_examples=20", "export.max_accuracy_drop=1",
            "export.latency_seconds=0"]  # fmt: skip


@pytest.mark.slow
def test_it_is_said_and_its_result_comes_back(store: Store) -> None:
    first = train(classifier(), store, FromScratch(reuse=True))
    assert first.reused is None
    again = train(
        classifier("train.checkpoint_every_steps=3", "data.loader_workers=1"), store, FromScratch(reuse=True)
    )
    assert (again.reused, again.run_id, again.metrics) == (first.run_id, first.run_id, first.metrics)
    assert len(store.runs()) == 1
    other = train(classifier("seed=1"), store, FromScratch(reuse=True))
    assert other.reused is None
    assert train(classifier(), store).run_id != first.run_id  # not asked for


@pytest.mark.slow
def test_a_trial_takes_all_of_it_over(store: Store) -> None:
    first = store.find(train(classifier(*EXPORTED), store).run_id)
    told: list[tuple[int, float]] = []

    def stop(step: int, metrics: Mapping[str, float]) -> bool:
        told.append((step, metrics["val/loss"]))
        return False

    result = train(
        classifier(*EXPORTED),
        store,
        FromScratch(reuse=True),
        RunIdentity(parent_id="0" * 32),
        Hooks(stop_when=stop),
    )
    run = store.find(result.run_id)
    assert (result.reused, run.tags["encore.reuses"]) == (first.run_id, first.run_id)
    assert (run.status, run.parent_id) == ("FINISHED", "0" * 32)
    assert (
        compare(read_outcome(RunFiles(store, first)), read_outcome(RunFiles(store, run)), Tolerance()).verdict
        == "identical"
    )
    assert told == store.metric_history(first.run_id, "val/loss")[:-1]  # at its end nothing is stopped
    assert [check for check in verify(RunFiles(store, run)) if not check.holds] == []
    files = [store.artifact(record, "checkpoints/last.ckpt") for record in (first, run)]
    assert os.path.samefile(*files)
    for tag in ("encore.export_gate", "encore.gate"):
        assert run.tags[tag] == first.tags[tag]
    assert run.tags["encore.ran.precision"] == first.tags["encore.ran.precision"]
    shutil.rmtree(store.artifact(first, DIGESTS_FILE).parent.parent)
    assert reproduce(RunFiles(store, run)).comparison.verdict == "identical"


@pytest.mark.slow
def test_an_export_that_it_has_not_is_made(store: Store) -> None:
    train(classifier(), store)
    for number, asked in enumerate((EXPORTED, [*EXPORTED, "export.scored_examples=30"])):
        result = train(classifier(*asked), store, FromScratch(reuse=True), RunIdentity(parent_id="0" * 32))
        assert result.reused is not None
        run = store.find(result.run_id)
        assert run.metrics["export/int8/accuracy"] == result.metrics["export/int8/accuracy"]
        assert run.tags["export/scored_examples"] == str(20 + 10 * number)
        assert [check for check in verify(RunFiles(store, run)) if not check.holds] == []


@pytest.mark.slow
def test_an_export_asked_for_alone_is_a_new_run_with_the_old_training(store: Store) -> None:
    first = train(classifier(), store)
    result = train(classifier(*EXPORTED), store, FromScratch(reuse=True))
    assert (result.reused, "export/int8/accuracy" in result.metrics) == (first.run_id, True)
    assert result.run_id != first.run_id
    assert train(classifier(*EXPORTED), store, FromScratch(reuse=True)).run_id == result.run_id
    failing = train(classifier(*EXPORTED, "export.max_accuracy_drop=0"), store, FromScratch(reuse=True))
    assert failing.run_id not in {first.run_id, result.run_id}


@pytest.mark.slow
def test_one_that_would_be_stopped_is_trained_until_then(store: Store) -> None:
    train(classifier(), store)
    asked: list[int] = []

    def stop(step: int, _: Mapping[str, float]) -> bool:
        asked.append(step)
        return step == 12

    result = train(
        classifier(), store, FromScratch(reuse=True), RunIdentity(parent_id="0" * 32), Hooks(stop_when=stop)
    )
    assert (result.reused, result.status, result.steps) == (None, "pruned", 12)
    assert asked == [6, 12, 6, 12]


@pytest.mark.slow
@pytest.mark.parametrize(
    "damage", ["checkpoints", "model", "altered", "another machine", "checkpoints not kept"]
)
def test_what_is_not_whole_or_of_other_circumstances_is_not_taken(
    store: Store, damage: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = store.find(train(classifier(), store).run_id)
    overrides: list[str] = []
    if damage == "altered":
        file = store.artifact(first, "model/model.safetensors")
        content = bytearray(file.read_bytes())
        content[-5] ^= 1
        file.write_bytes(content)
    elif damage == "another machine":
        monkeypatch.setenv("MKL_CBWR", "COMPATIBLE")
    elif damage == "checkpoints not kept":
        overrides = ["train.keep_checkpoint_every_steps=7"]
    else:
        shutil.rmtree(store.artifact(first, damage))
    result = train(classifier(*overrides), store, FromScratch(reuse=True), RunIdentity(parent_id="0" * 32))
    assert (result.reused, result.status) == (None, "finished")


@pytest.mark.slow
def test_another_config_beside_the_same_weights_is_another_recipe(store: Store, tmp_path: Path) -> None:
    made = store.find(train(classifier(), store).run_id)
    start = tmp_path / "start"
    shutil.copytree(store.artifact(made, "model"), start)
    first = train(classifier(f"model.pretrained={start}"), store, FromScratch(reuse=True))
    config = json.loads((start / "config.json").read_text())
    (start / "config.json").write_text(json.dumps({**config, "transformers_version": "0"}))
    assert (
        train(classifier(f"model.pretrained={start}"), store, FromScratch(reuse=True)).reused == first.run_id
    )
    (start / "config.json").write_text(json.dumps(config), encoding="utf-8-sig")  # as some editors leave it
    assert (
        train(classifier(f"model.pretrained={start}"), store, FromScratch(reuse=True)).reused == first.run_id
    )
    (start / "config.json").write_text(json.dumps({**config, "n_heads": 4}))
    with pytest.raises(UserError, match="the pretrained model's config is not what the run began with"):
        reproduce(run_named(store, first.run_id))
    assert train(classifier(f"model.pretrained={start}"), store, FromScratch(reuse=True)).reused is None


@pytest.mark.slow
def test_what_did_not_finish_as_it_began_is_not_taken(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    train(classifier(), store, hooks=Hooks(stop_when=lambda step, _: step == 6))  # pruned
    with killed_at(24):
        train(classifier(), store)
    with monkeypatch.context() as patch:
        patch.setenv("MALLOC_CONF", "background_thread:true")
        resume(RunFiles(store, newest(store)))
    assert train(classifier(), store, FromScratch(reuse=True)).reused is None


SWEEP = """
name: twice
description: One point, drawn twice
experiment: demo_reviews
overrides: {model.dim: 16, model.heads: 2, model.layers: 1, model.hidden_dim: 32, data.train_examples: 100,
            data.selection_examples: 20, train.max_steps: 8, train.validations: 2, train.threads: 1,
            export.when: never}
space:
  optim.learning_rate: {kind: choice, options: [1e-3]}
sampler: {kind: random}
pruner: {kind: none}
budget: {trials: 2}
"""


@pytest.mark.slow
@pytest.mark.parametrize("again", [False, True])
def test_a_sweep_trains_no_point_twice_unless_told_to(store: Store, tmp_path: Path, again: bool) -> None:
    (tmp_path / "sweep.yaml").write_text(SWEEP)
    spec, rest = load_sweep(str(tmp_path / "sweep.yaml"))
    report = run_sweep(spec, store, overrides=rest, again=again)
    first, second = (store.find(row.run_id) for row in report.rows)
    assert second.tags.get("encore.reuses") == (None if again else first.run_id)
    assert first.metrics["best/val/loss"] == second.metrics["best/val/loss"]
    assert report.notes == (() if again else (f"trial 1 reuses run {first.run_id[:8]}, of the same recipe.",))
