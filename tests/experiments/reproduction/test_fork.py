"""A run that begins with another one's checkpoint: the same one going on, or with other settings."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from errors import UserError
from experiments.config import ExperimentConfig
from experiments.reproduction.fork import fork
from experiments.reproduction.reproduce import check, reproduce
from experiments.reproduction.resume import resume
from experiments.reproduction.verdict import Tolerance, compare
from experiments.training.inputs import config_as_of
from experiments.training.train import train
from lightning_modules.optimisation import learning_rate_factor
from runs.checkpoint import load_checkpoint
from runs.files import RunFiles, run_named
from runs.layout import START_FILE
from runs.outcome import read_outcome
from runs.verify import verify
from tests.killed import killed_at, newest
from tests.tiny import classifier, language
from tracking.entities import RunRecord
from tracking.store import Store

KEPT = "train.keep_checkpoint_every_steps=7"


@pytest.fixture(scope="module")
def parent(shared: Store) -> RunRecord:
    return shared.find(train(classifier(KEPT, "optim.weight_decay=0.1"), shared).run_id)


def _points(store: Store, run_id: str, key: str) -> dict[int, float]:
    return dict(store.metric_history(run_id, key))


@pytest.mark.parametrize(
    "config",
    [
        classifier(KEPT),
        pytest.param(
            classifier(KEPT, "train.accumulate_batches=2", "data.batch_size=8", "data.loader_workers=2"),
            marks=pytest.mark.slow,
        ),
        pytest.param(language(KEPT, "optim.schedule=cosine"), marks=pytest.mark.slow),
    ],
    ids=["plain", "accumulated", "language"],
)
def test_without_changes_it_goes_on_as_the_old_run_did(shared: Store, config: ExperimentConfig) -> None:
    whole = shared.find(train(config, shared).run_id)
    run = shared.find(fork(RunFiles(shared, whole), "14", []).run_id)
    found = compare(read_outcome(RunFiles(shared, whole)), read_outcome(RunFiles(shared, run)), Tolerance())
    assert found.digests["weights/last"]
    assert found.digests["optimiser"]
    assert found.first_difference is None
    assert (found.steps_compared, found.verdict) == (10, "identical")
    assert sorted(_points(shared, run.run_id, "train/loss")) == list(range(15, 25))
    assert run.tags["encore.forked_from"] == f"{whole.run_id}@14"
    assert "encore.forked_under" not in run.tags


def test_the_settings_of_a_run_can_be_had_for_another_one(shared: Store, parent: RunRecord) -> None:
    found = config_as_of(RunFiles(shared, parent), ["seed=5"])
    assert found == classifier(KEPT, "optim.weight_decay=0.1", "seed=5")


@pytest.mark.slow
def test_its_settings_count_from_its_first_step_on(shared: Store, parent: RunRecord) -> None:
    run = fork(
        RunFiles(shared, parent),
        "7",
        ["optim.learning_rate=0.002", "train.max_steps=32", "optim.weight_decay=0.3"],
    )
    rates = _points(shared, run.run_id, "train/learning_rate")
    expected = {
        step: 0.002 * learning_rate_factor(step - 1, schedule="linear", warmup_steps=3, total_steps=32)
        for step in range(8, 33)
    }
    assert rates == pytest.approx(expected, rel=1e-12)
    final = load_checkpoint(shared.artifact(shared.find(run.run_id), "checkpoints/last.ckpt"))
    groups = final["optimizer_states"][0]["param_groups"]
    assert {group["weight_decay"] for group in groups} == {0.0, 0.3}
    steps = {float(state["step"]) for state in final["optimizer_states"][0]["state"].values()}
    assert steps == {32.0}


@pytest.mark.slow
def test_moments_follow_their_parameters_into_other_groups(shared: Store) -> None:
    frozen = shared.find(train(classifier(KEPT, "model.frozen_layers=1"), shared).run_id)
    run = fork(RunFiles(shared, frozen), "21", ["model.frozen_layers=0", "optim.layerwise_decay=0.8"])
    old = load_checkpoint(shared.artifact(frozen, "checkpoints/step-21.ckpt"))
    final = load_checkpoint(shared.artifact(shared.find(run.run_id), "checkpoints/last.ckpt"))

    def steps(content: dict[str, object]) -> dict[str, float]:
        state = content["optimizer_states"][0]  # type: ignore[index]
        names = {n: name for group in state["param_groups"]
                 for n, name in zip(group["params"], group["param_names"], strict=True)}  # fmt: skip
        return {names[number]: float(values["step"]) for number, values in state["state"].items()}

    before, after = steps(old), steps(final)
    assert set(before.values()) == {21.0}
    assert len(after) > len(before)
    assert {name: after[name] for name in before} == dict.fromkeys(before, 24.0)
    assert {after[name] for name in after.keys() - before.keys()} == {3.0}


@pytest.mark.slow
def test_another_seed_draws_other_numbers_from_there_on(shared: Store, parent: RunRecord) -> None:
    runs = [
        fork(RunFiles(shared, parent), "14", overrides).run_id for overrides in ([], ["seed=5"], ["seed=5"])
    ]
    losses = [_points(shared, run, "train/loss") for run in runs]
    assert losses[1] == losses[2]
    assert losses[0] != losses[1]


@pytest.mark.slow
def test_it_plays_again_and_goes_on_without_the_old_run(shared: Store) -> None:
    old = shared.find(train(classifier(KEPT), shared).run_id)
    overrides = ["optim.learning_rate=0.003", "train.max_steps=32"]
    made = shared.find(fork(RunFiles(shared, old), "14", overrides).run_id)
    with killed_at(9):
        fork(RunFiles(shared, old), "14", overrides)
    killed = newest(shared)
    assert os.path.samefile(
        shared.artifact(made, START_FILE), shared.artifact(old, "checkpoints/step-14.ckpt")
    )
    shutil.rmtree(shared.artifact(old, "checkpoints"))
    found = reproduce(RunFiles(shared, made))
    assert (found.comparison.verdict, found.causes) == ("identical", ())
    assert shared.find(found.run_id).tags["encore.forked_from"] == made.tags["encore.forked_from"]
    resume(RunFiles(shared, killed))
    resumed = shared.find(killed.run_id)
    compared = compare(
        read_outcome(RunFiles(shared, made)), read_outcome(RunFiles(shared, resumed)), Tolerance()
    )
    assert compared.verdict == "identical"
    assert "encore.resumed_under" not in resumed.tags
    assert [item for item in verify(RunFiles(shared, resumed)) if not item.holds] == []
    again = shared.find(
        fork(RunFiles(shared, resumed), "21", []).run_id
    )  # a fork of a fork, begun where it stood
    assert (
        compare(
            read_outcome(RunFiles(shared, resumed)), read_outcome(RunFiles(shared, again)), Tolerance()
        ).verdict
        == "identical"
    )


def _first_tensor(values: Any) -> torch.Tensor:
    return next(iter(values.values()))


ALTERED: dict[str, Callable[[dict[str, Any]], torch.Tensor]] = {
    "weight": lambda content: _first_tensor(content["state_dict"]),
    "moment": lambda content: _first_tensor(content["optimizer_states"][0]["state"])["exp_avg"],
    "generator": lambda content: content["callbacks"]["Checkpoints"]["random"]["torch"],
}


@pytest.mark.parametrize(
    "what", ["moment", *(pytest.param(w, marks=pytest.mark.slow) for w in ("weight", "generator"))]
)
def test_an_altered_checkpoint_is_noticed(shared: Store, parent: RunRecord, what: str) -> None:
    run = shared.find(fork(RunFiles(shared, parent), "14", []).run_id)
    file = shared.artifact(run, START_FILE)
    content = torch.load(file, weights_only=True)
    ALTERED[what](content).reshape(-1)[:1] += 1
    file.unlink()  # one file with the old run's
    torch.save(content, file)
    assert [(cause.kind, cause.name) for cause in check(RunFiles(shared, run))] == [("data", "start")]
    assert [item.what for item in verify(RunFiles(shared, run)) if not item.holds] == ["file", "start"]
    count = len(shared.runs())
    with pytest.raises(UserError, match=r"start\.ckpt: the checkpoint is not what the run began with"):
        reproduce(RunFiles(shared, run))
    assert len(shared.runs()) == count


@pytest.mark.slow
def test_a_damaged_start_or_an_altered_config_is_one_line(shared: Store, parent: RunRecord) -> None:
    run = shared.find(fork(RunFiles(shared, parent), "14", []).run_id)
    config = shared.artifact(run, "run/config.json")
    whole = config.read_text()
    config.write_text(whole.replace('"learning_rate": 0.001', '"learning_rate": 0.002'))
    for verb in (reproduce, check, lambda run: fork(run, "21", [])):
        with pytest.raises(UserError, match=r"run/config\.json is not what was recorded"):
            verb(RunFiles(shared, run))
    config.write_text(whole)
    file = shared.artifact(run, START_FILE)
    content = file.read_bytes()
    file.unlink()
    file.write_bytes(content[:1000])
    for verb in (reproduce, check):
        with pytest.raises(UserError, match=r"start\.ckpt is damaged"):
            verb(RunFiles(shared, run))


@pytest.mark.slow
def test_early_stopping_begins_anew(shared: Store) -> None:
    patient = classifier("train.early_stopping_patience=3", "train.validations=12", "optim.learning_rate=0.05",
                         "train.keep_checkpoint_every_steps=2")  # fmt: skip
    old = train(patient, shared)
    assert old.steps < 24  # it stopped
    run = fork(run_named(shared, old.run_id), str(old.steps - 2), [])
    assert run.steps > old.steps
    losses = _points(shared, run.run_id, "val/loss")
    steps = sorted(losses)
    lowest = min(steps, key=lambda step: (losses[step], step))
    assert run.steps == 24 or steps.index(run.steps) - steps.index(lowest) == 3


@pytest.mark.slow
def test_a_fork_killed_before_its_first_checkpoint_begins_once_more(shared: Store, parent: RunRecord) -> None:
    overrides = ["optim.learning_rate=0.002", "train.keep_checkpoint_every_steps=none"]
    whole = shared.find(fork(RunFiles(shared, parent), "14", overrides).run_id)
    with killed_at(3):
        fork(RunFiles(shared, parent), "14", overrides)
    killed = newest(shared)
    assert not list(shared.artifact(killed, "run").parent.glob("checkpoints/*.ckpt"))
    resume(RunFiles(shared, killed))
    run = shared.find(killed.run_id)
    assert run.tags["encore.resumed_at"] == "14"
    assert (
        compare(
            read_outcome(RunFiles(shared, whole)), read_outcome(RunFiles(shared, run)), Tolerance()
        ).verdict
        == "identical"
    )
    assert len(shared.metric_history(run.run_id, "train/loss")) == 10


@pytest.mark.slow
def test_what_differs_around_it_is_kept_with_it(
    shared: Store, parent: RunRecord, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MALLOC_CONF", "background_thread:true")
    run = shared.find(fork(RunFiles(shared, parent), "14", ["optim.beta1=0.8"]).run_id)
    assert run.tags["encore.forked_under"] == "flag: MALLOC_CONF: none then, background_thread:true now"


@pytest.mark.parametrize(
    ("at", "overrides", "message"),
    [
        ("15", [], r"no checkpoint 15. There are 7, 14, 21, 24 \(.*last\)"),
        ("first", [], "no checkpoint first"),
        (
            "last",
            [],
            "after step 24: the run would end at step 24, where it begins or before. Give a train.max_steps",
        ),
        ("14", ["train.max_steps=12"], "the run would end at step 12"),
        ("14", ["model.dim=32"], "the weights do not fit: .* is .*x16, the model has .*x32"),
        ("14", ["model.layers=1"], "the weights do not fit: .*layer.1.* the model has none"),
        ("14", ["data.selection_examples=41"], "the tokenizer is not the one that the weights know"),
        ("14", ["optim.learning_rat=1"], "learning_rat"),
        ("14", ["train.max_epochs=9"], "max_epochs does not count while train.max_steps is 24"),
    ],
)
def test_what_cannot_be_forked_says_why(
    shared: Store, parent: RunRecord, at: str, overrides: list[str], message: str
) -> None:
    count = len(shared.runs())
    with pytest.raises(UserError, match=message):
        fork(RunFiles(shared, parent), at, overrides)
    assert len(shared.runs()) == count
    assert shared.find(parent.run_id) == parent


@pytest.mark.slow
def test_a_damaged_checkpoint_is_not_offered(shared: Store) -> None:
    run = shared.find(train(classifier(KEPT), shared).run_id)
    file = shared.artifact(run, "checkpoints/step-14.ckpt")
    content = np.frombuffer(file.read_bytes(), dtype=np.uint8).copy()
    content[len(content) // 2] ^= 1
    file.unlink()
    file.write_bytes(content.tobytes())
    with pytest.raises(UserError, match=r"checkpoint 14 is damaged. There are 7, 21, 24"):
        fork(RunFiles(shared, run), "14", [])
