"""A run that was killed and goes on ends as one that was not: the same bits, no gap, no duplicate."""

from __future__ import annotations

import signal
from collections.abc import Sequence
from pathlib import Path
from pkgutil import resolve_name

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from errors import UserError
from experiments.config import ExperimentConfig
from experiments.loading import load_experiment
from experiments.reproduction.resume import resume
from experiments.training.origin import RunIdentity
from experiments.training.train import train
from lightning_modules.distilbert import DistilBertClassifier
from lightning_modules.learner import Batch
from runs.checkpoint import is_whole
from runs.files import RunFiles, run_named
from runs.verify import verify
from tests.killed import Killed, killed_at, newest, outcome
from tests.overrides import latest
from tests.processes import encore, started, wait_until
from tests.tiny import INTERRUPTED_CLASSIFIER, classifier, language
from tracking.entities import Experiment
from tracking.store import Store

EXPORTED = ["export.when=finished", "export.scored_examples=20", "export.max_accuracy_drop=1",
            "export.latency_seconds=0"]  # fmt: skip


@pytest.mark.parametrize(
    ("config", "batches"),
    [
        (classifier(), [17]),
        pytest.param(
            classifier("train.accumulate_batches=2", "data.batch_size=8"), [33], marks=pytest.mark.slow
        ),
        pytest.param(
            classifier("train.early_stopping_patience=1", "optim.learning_rate=0.05"),
            [11],
            marks=pytest.mark.slow,
        ),
        pytest.param(classifier("data.loader_workers=2"), [9, 8], marks=pytest.mark.slow),
        pytest.param(
            classifier("data.batch_tokens=200", "optim.schedule=cosine"), [23, 2], marks=pytest.mark.slow
        ),
        pytest.param(language(), [14, 6], marks=pytest.mark.slow),
    ],
    ids=["plain", "accumulated", "stops early", "workers, twice", "token budget, twice", "language, twice"],
)
def test_a_killed_and_resumed_run_is_the_uninterrupted_one(
    shared: Store, config: ExperimentConfig, batches: Sequence[int]
) -> None:
    whole = train(config, shared)
    with killed_at(batches[0]):
        train(config, shared)
    run_id = newest(shared).run_id
    for batch in batches[1:]:
        with killed_at(batch):
            resume(run_named(shared, run_id))
    resume(run_named(shared, run_id))
    assert outcome(shared, run_id) == outcome(shared, whole.run_id)
    run = shared.find(run_id)
    assert run.status == "FINISHED"
    assert len(run.tags["encore.resumed_at"].split(", ")) == len(batches)
    assert "encore.resumed_otherwise" not in run.tags


@pytest.mark.slow
@settings(max_examples=6, deadline=None, suppress_health_check=list(HealthCheck))
@given(step=st.integers(7, 24), every=st.integers(1, 9), accumulated=st.sampled_from([1, 2]))
def test_it_does_not_matter_where(shared: Store, step: int, every: int, accumulated: int) -> None:
    config = classifier(f"train.checkpoint_every_steps={every}", f"train.accumulate_batches={accumulated}",
                        f"data.batch_size={16 // accumulated}")  # fmt: skip
    whole = train(config, shared)
    with killed_at(step * accumulated):
        train(config, shared)
    run_id = newest(shared).run_id
    resume(run_named(shared, run_id))
    assert outcome(shared, run_id) == outcome(shared, whole.run_id)
    resumed_at = int(shared.find(run_id).tags["encore.resumed_at"])
    assert step - max(every, 6) <= resumed_at < step  # the first validation, at step 6, is the best so far


MOMENTS = {
    "in a validation": ("torchmetrics.MeanMetric.compute", 3),
    "in a checkpoint": ("runs.checkpoint_folder.link", 1),
    "between the files of a checkpoint": ("runs.checkpoint_folder.link", 2),
    "in the last checkpoint": ("runs.checkpoint_folder.link", -1),
    "while scoring": ("experiments.training.run.evaluate", 1),
    "while scoring the official split": ("experiments.training.run.evaluate", 2),
    "while exporting": ("experiments.training.exporting.export_into", 1),
    "before its result is written": ("experiments.training.run.Run._summary", 1),
}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("moment", "validations"),
    [
        ("while scoring", 4),
        *(pytest.param(moment, 4, marks=pytest.mark.slow) for moment in MOMENTS if moment != "while scoring"),
        *(pytest.param(moment, 1, marks=pytest.mark.slow) for moment in MOMENTS if "last" in moment),
    ],
)
def test_a_run_killed_anywhere_goes_on(
    shared: Store, moment: str, validations: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = classifier(f"train.validations={validations}", *EXPORTED)
    whole = train(config, shared)
    target, call = MOMENTS[moment]
    if call < 0:
        with monkeypatch.context() as patch:
            calls = _counted(patch, target)
            train(config, shared)
        call = len(calls) + 1 + call  # the first link of the last pair would be -2
    with monkeypatch.context() as patch:
        _kill_at(patch, target, call)
        with pytest.raises(Killed):
            train(config, shared)
    run = newest(shared)
    resume(RunFiles(shared, run))
    assert outcome(shared, run.run_id) == outcome(shared, whole.run_id)
    assert [check for check in verify(run_named(shared, run.run_id)) if not check.holds] == []


def _counted(patch: pytest.MonkeyPatch, target: str) -> list[None]:
    original, calls = resolve_name(target.replace(".Run", ":Run")), list[None]()

    def counted(*arguments: object, **named: object) -> object:
        calls.append(None)
        return original(*arguments, **named)

    patch.setattr(target, counted)
    return calls


def _kill_at(patch: pytest.MonkeyPatch, target: str, call: int) -> None:
    original, calls = resolve_name(target.replace(".Run", ":Run")), iter(range(1, 10**9))

    def counted(*arguments: object, **named: object) -> object:
        if next(calls) == call:
            raise Killed
        return original(*arguments, **named)

    patch.setattr(target, counted)


@pytest.mark.slow
@pytest.mark.parametrize("damage", ["torn", pytest.param("flipped", marks=pytest.mark.slow)])
def test_a_damaged_checkpoint_is_noticed_and_the_one_before_is_used(shared: Store, damage: str) -> None:
    whole = train(classifier(), shared)
    with killed_at(24):
        train(classifier(), shared)
    run = newest(shared)
    last = shared.artifact(run, "checkpoints/last.ckpt")
    content = bytearray(last.read_bytes())
    last.unlink()  # it may be one file with the best
    if damage == "torn":
        last.write_bytes(content[: len(content) // 2])
    else:
        content[len(content) // 2] ^= 1
        last.write_bytes(content)
    assert not is_whole(last)
    resume(RunFiles(shared, run))
    assert outcome(shared, run.run_id) == outcome(shared, whole.run_id)


@pytest.mark.slow
def test_what_comes_out_otherwise_on_the_second_way_is_noted(
    shared: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    with killed_at(23):
        train(classifier(), shared)
    run = newest(shared)
    forward = DistilBertClassifier.loss_and_logits

    def other(self: DistilBertClassifier, batch: Batch) -> tuple[torch.Tensor, torch.Tensor]:
        loss, logits = forward(self, batch)
        return loss * (1 + 1e-5), logits

    monkeypatch.setattr(DistilBertClassifier, "loss_and_logits", other)
    resume(RunFiles(shared, run))
    assert shared.find(run.run_id).tags["encore.resumed_otherwise"].startswith("train/")


@pytest.mark.slow
def test_a_real_process_killed_by_the_kernel_goes_on_at_the_command_line(root: Path) -> None:
    options = latest([*INTERRUPTED_CLASSIFIER, "train.max_steps=400"])
    store = Store.open(root)
    whole = store.find(train(load_experiment("demo_reviews", options), store).run_id)

    def validated_twice() -> bool:
        run = newest(store)
        return run != whole and len(store.metric_history(run.run_id, "val/loss")) >= 2

    killed = started("train", "demo_reviews", *options, "--again", "--root", root)
    wait_until(validated_twice, killed)
    killed.send_signal(signal.SIGKILL)
    killed.wait(30)
    run_id = newest(store).run_id
    assert encore("resume", run_id[:12], "--root", root).returncode == 0
    assert outcome(store, run_id) == outcome(store, whole.run_id)


@pytest.mark.slow
def test_a_damaged_best_does_not_matter_while_its_weights_are_whole(shared: Store) -> None:
    config = classifier("train.validations=1", "train.checkpoint_every_steps=7", "train.max_steps=28")
    whole = train(config, shared)
    with killed_at(28):
        train(config, shared)
    run = newest(shared)
    best = shared.artifact(run, "checkpoints") / "best.ckpt"
    best.write_bytes(b"PK")
    resume(RunFiles(shared, run))
    assert outcome(shared, run.run_id) == outcome(shared, whole.run_id)


@pytest.mark.slow
def test_a_reproduction_is_begun_anew_and_another_device_refused(
    shared: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    with killed_at(24):
        train(
            classifier(),
            shared,
            identity=RunIdentity(tags={"encore.kind": "reproduction", "encore.reproduces": "ab" * 16}),
        )
    with pytest.raises(UserError, match="Begin it anew: `encore reproduce abababab`"):
        resume(RunFiles(shared, newest(shared)))
    with killed_at(24):
        train(classifier(), shared)
    run = newest(shared)
    log = shared.attach(run.run_id)
    log.set_tags({"encore.ran.device": "cuda"})
    log.close()
    with pytest.raises(UserError, match="began on cuda and would go on here on cpu"):
        resume(run_named(shared, run.run_id))
    assert shared.find(run.run_id).status == "FAILED"


@pytest.mark.slow
def test_other_circumstances_are_kept_with_the_run(shared: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    with killed_at(24):
        train(classifier(), shared)
    monkeypatch.setenv("MALLOC_CONF", "background_thread:true")
    run = resume(RunFiles(shared, newest(shared)))
    assert shared.find(run.run_id).tags["encore.resumed_under"] == (
        "flag: MALLOC_CONF: none then, background_thread:true now"
    )


def test_what_cannot_go_on_says_why_and_stays_as_it_is(shared: Store) -> None:
    finished = train(classifier(), shared)
    before = shared.find(finished.run_id)
    with pytest.raises(UserError, match="has finished; there is nothing to resume"):
        resume(RunFiles(shared, before))
    assert shared.find(finished.run_id) == before
    with killed_at(1):
        train(classifier(), shared)
    run = newest(shared)
    with pytest.raises(UserError, match="no checkpoint yet"):
        resume(RunFiles(shared, run))
    assert newest(shared) == run


def test_the_line_that_goes_on_with_a_sweep_is_none_of_a_strangers(store: Store) -> None:
    tags = {"encore.kind": "trial", "encore.sweep": "$(touch /tmp/marker)"}
    log = store.start_run(
        experiment=Experiment("demo", "loss"), name="trial 0", params={}, tags=tags, description=""
    )
    log.finish("KILLED")
    with pytest.raises(UserError, match=r"Run `encore sweep '\$\(touch /tmp/marker\)'` again"):
        resume(run_named(store, log.run_id))
