"""A run played again: the verdict, the certificate, and the cause named first when it is not the same."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from errors import UserError
from experiments.loading import load_experiment
from experiments.reproduction.fork import fork
from experiments.reproduction.reproduce import check, reproduce
from experiments.reproduction.resume import resume
from experiments.training.exporting import export_run
from experiments.training.origin import FromScratch, Hooks
from experiments.training.train import train
from lightning_modules.distilbert import DistilBertClassifier
from lightning_modules.learner import Batch
from runs.files import RunFiles, run_named
from runs.layout import DIGESTS_FILE
from runs.outcome import read_outcome
from runs.verify import verify
from tests.killed import killed_at, newest
from tests.tiny import REPEATED_LANGUAGE, repeated_classifier
from tracking.store import Store


def finished(store: Store) -> str:
    return train(repeated_classifier(), store).run_id


def pruned(store: Store) -> str:
    return train(
        repeated_classifier(),
        store,
        FromScratch(export=False),
        hooks=Hooks(stop_when=lambda step, _: step == 4),
    ).run_id


def language(store: Store) -> str:
    return train(load_experiment("demo_stories", REPEATED_LANGUAGE), store).run_id


def resumed(store: Store) -> str:
    with killed_at(5):
        train(repeated_classifier(), store)
    return resume(RunFiles(store, newest(store))).run_id


def reproduction(store: Store) -> str:
    return reproduce(run_named(store, train(repeated_classifier("export.when=never"), store).run_id)).run_id


@pytest.mark.parametrize(
    "kind",
    [
        pruned,
        *(pytest.param(kind, marks=pytest.mark.slow) for kind in (finished, language, resumed, reproduction)),
    ],
)
def test_every_kind_of_run_is_identical_when_played_again(
    shared: Store, kind: Callable[[Store], str]
) -> None:
    run_id = kind(shared)
    found = reproduce(run_named(shared, run_id))
    assert found.comparison.verdict == "identical", found.certificate
    assert found.causes == ()
    again = shared.find(found.run_id)
    assert again.tags["encore.reproduces"] == run_id
    assert again.tags["encore.recipe_id"] == shared.find(run_id).tags["encore.recipe_id"]
    assert again.status == shared.find(run_id).status
    assert shared.find(run_id).tags["encore.verdict"] == f"identical: {found.run_id}"
    written = json.loads(shared.artifact(again, "certificate.json").read_text())
    assert written == json.loads(json.dumps(found.certificate))
    assert shared.artifact(again, "certificate.md").read_text().startswith("# Identical\n")
    exported = {name for name in found.comparison.digests if name.startswith("export/")}
    assert exported == (
        {f"export/{name}/{file}" for name in ("fp32", "int8") for file in ("model.onnx", "golden.json")}
        if kind in {finished, language, resumed}
        else set()
    )


@pytest.mark.slow
def test_another_number_of_threads_is_named(shared: Store) -> None:
    run = shared.find(train(repeated_classifier("export.when=never"), shared).run_id)
    found = reproduce(RunFiles(shared, run), threads=2)
    assert [str(cause) for cause in found.causes] == ["threads: of torch: 1 then, 2 now"]


@pytest.mark.slow
def test_a_changed_computation_is_not_identical(shared: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    run = shared.find(finished(shared))
    forward = DistilBertClassifier.loss_and_logits

    def changed(by: float) -> Callable[..., tuple[torch.Tensor, torch.Tensor]]:
        def other(self: DistilBertClassifier, batch: Batch) -> tuple[torch.Tensor, torch.Tensor]:
            loss, logits = forward(self, batch)
            return loss * by, logits

        return other

    monkeypatch.setattr(DistilBertClassifier, "loss_and_logits", changed(1 + 1e-4))
    near = reproduce(RunFiles(shared, run)).comparison
    assert near.verdict == "within tolerance"
    assert near.first_difference is not None
    assert near.first_difference.step == 1
    assert not near.digests["weights/last"]
    assert 0 < near.largest_loss_difference < 0.01
    monkeypatch.setattr(DistilBertClassifier, "loss_and_logits", changed(2.0))
    assert reproduce(RunFiles(shared, run)).comparison.verdict == "different"


@pytest.mark.slow
def test_a_store_that_was_copied_plays_its_runs_again(shared: Store, tmp_path: Path) -> None:
    run_id = finished(shared)
    copied = tmp_path / "a copy"
    shutil.copytree(shared.root, copied)
    store = Store.open(copied)
    before = sorted(path for path in shared.root.rglob("*") if path.is_file())
    assert str(store.artifact(store.find(run_id), DIGESTS_FILE)).startswith(str(copied))
    found = reproduce(run_named(store, run_id))
    assert found.comparison.verdict == "identical"
    assert str(store.artifact(store.find(found.run_id), DIGESTS_FILE)).startswith(str(copied))
    assert sorted(path for path in shared.root.rglob("*") if path.is_file()) == before


def test_changed_rows_are_named_before_a_run_begins(shared: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    from datamodules.bundled.reviews import generate_reviews

    run = shared.find(finished(shared))
    rows = generate_reviews()
    changed = [dict(row) for row in rows["validation"]]
    changed[17]["sentence"] = "another sentence entirely"
    other = {**rows, "validation": changed}
    monkeypatch.setattr("datamodules.classification.generate_reviews", lambda: other)
    count = len(shared.runs())
    with pytest.raises(
        UserError,
        match=r"'test' .* 1000 rows now, 1000 then; the first that differs is row 17, now 'another sentence",
    ):
        reproduce(RunFiles(shared, run))
    assert len(shared.runs()) == count
    assert [cause.kind for cause in check(RunFiles(shared, run))] == ["data"]


@pytest.mark.slow
def test_a_run_that_was_exported_later_plays_again_and_verifies(shared: Store) -> None:
    run_id = train(repeated_classifier("export.when=never"), shared).run_id
    export_run(run_named(shared, run_id))
    assert [check for check in verify(run_named(shared, run_id)) if not check.holds] == []
    found = reproduce(run_named(shared, run_id))
    assert found.comparison.verdict == "identical", found.certificate
    assert "export/int8/model.onnx" in found.comparison.digests


@pytest.mark.slow
def test_other_weights_in_the_same_folder_are_refused_and_named(shared: Store, tmp_path: Path) -> None:
    first, second = (
        shared.find(train(repeated_classifier(f"seed={seed}", "export.when=never"), shared).run_id)
        for seed in (1, 2)
    )
    start = tmp_path / "start"
    shutil.copytree(shared.artifact(first, "model"), start)
    run = shared.find(
        train(repeated_classifier(f"model.pretrained={start}", "export.when=never"), shared).run_id
    )
    shutil.copy(shared.artifact(second, "model") / "model.safetensors", start / "model.safetensors")
    assert [(cause.kind, cause.name) for cause in check(RunFiles(shared, run))] == [("data", "weights")]
    count = len(shared.runs())
    with pytest.raises(UserError, match="the pretrained weights are not what the run began with"):
        reproduce(RunFiles(shared, run))
    assert len(shared.runs()) == count


def test_a_check_trains_nothing_and_finds_nothing_here(shared: Store) -> None:
    run = shared.find(finished(shared))
    count = len(shared.runs())
    assert check(RunFiles(shared, run)) == []
    assert [str(cause) for cause in check(RunFiles(shared, run), threads=2)] == [
        "threads: of torch: 1 then, 2 now"
    ]
    assert len(shared.runs()) == count


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda folder: (folder / "run/digests.json").unlink(), "no artifact run/digests.json"),
        (lambda folder: (folder / "run/digests.json").write_text("{"), "run/digests.json is not JSON"),
        (lambda folder: (folder / "run/result.json").unlink(), "no finished record"),
        (lambda folder: (folder / "run/config.json").unlink(), "no artifact run/config.json"),
        (
            lambda folder: (folder / "run/result.json").write_text("{}"),
            r"run/result.json is malformed \(status: Field required\)",
        ),
        (
            lambda folder: (folder / "predictions/val/predictions.parquet").unlink(),
            "no artifact predictions/val",
        ),
    ],
)
def test_a_record_that_is_not_whole_is_refused_by_the_file(
    shared: Store, damage: Callable[[Path], None], message: str
) -> None:
    run = shared.find(pruned(shared))
    damage(shared.artifact(run, "run").parent)
    count = len(shared.runs())
    with pytest.raises(UserError, match=message):
        reproduce(RunFiles(shared, run))
    assert len(shared.runs()) == count


@pytest.mark.parametrize("verb", [reproduce, check, verify, resume, lambda run: fork(run, "5", [])])
def test_a_run_of_another_program_is_refused_as_that(
    shared: Store, verb: Callable[[RunFiles], object]
) -> None:
    foreign = shared.client.create_run("0", run_name="somebody's")
    shared.client.set_terminated(foreign.info.run_id)
    with pytest.raises(UserError, match="was not made by Encore"):
        verb(run_named(shared, foreign.info.run_id))


def test_the_record_of_one_run_is_read_as_it_was_written(shared: Store) -> None:
    run = shared.find(pruned(shared))
    found = read_outcome(RunFiles(shared, run))
    assert (found.steps, found.status) == (4, "pruned")
    assert sorted(found.points) == [1, 2, 3, 4]
    assert not any("per_s" in key for values in found.points.values() for key in values)
    assert set(found.digests) == {
        "optimiser",
        "weights/best",
        "weights/last",
        "predictions/test",
        "predictions/val",
    }
