"""Students: a finished run's logits are learned from, and everything else holds as for any run."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from datamodules.classification import DemoReviewsData
from datamodules.readers.raw import Wanted
from errors import UserError
from experiments.config import ExperimentConfig
from experiments.loading import load_experiment
from experiments.reproduction.fork import fork
from experiments.reproduction.reproduce import check, reproduce
from experiments.reproduction.resume import resume
from experiments.training.inputs import data_of_run
from experiments.training.origin import FromScratch, Hooks
from experiments.training.recipe import recipe_id
from experiments.training.train import train
from lightning_modules.families import FAMILIES
from runs.files import RunFiles, run_named
from runs.layout import TEACHER_LOGITS
from runs.outcome import read_outcome
from runs.verify import verify
from sweeps.run import run_sweep
from tests.killed import killed_at, newest, outcome
from tests.overrides import latest
from tests.reporters import KeptReporter
from tests.sweep_specs import load_sweep
from tests.tiny import ANY_EXPORT, SHORT, classifier, language
from tracking.entities import RunRecord
from tracking.store import Store

FROM_ITS_LAYERS = ["model.pretrained=teacher", "model.pretrained_layers=[1,3]"]


@pytest.fixture(scope="module")
def teacher(shared: Store) -> RunRecord:
    return shared.find(train(classifier("model.layers=4", "optim.learning_rate=0.003"), shared).run_id)


@pytest.fixture(scope="module")
def student(shared: Store, teacher: RunRecord) -> RunFiles:
    return run_named(shared, train(taught(teacher), shared).run_id)


def taught(teacher: RunRecord, *overrides: str) -> ExperimentConfig:
    return classifier(f"train.teacher={teacher.run_id[:10]}", *FROM_ITS_LAYERS, *overrides)


def model_of(run: RunFiles) -> Any:
    return FAMILIES["distilbert"].read(run.path("model")).network


def test_it_keeps_the_teachers_answers_to_every_train_row(
    shared: Store, teacher: RunRecord, student: RunFiles
) -> None:
    run = RunFiles(shared, teacher)
    data = data_of_run(run, classifier("model.layers=4"))
    logits = np.load(student.path(TEACHER_LOGITS))
    assert (logits.shape, logits.dtype) == ((160, 2), np.float32)
    model = FAMILIES["distilbert"].read(run.path("model"))
    for row in range(0, 160, 7):
        ids = torch.from_numpy(data.tables["train"].sequence(row).astype(np.int64))[None]
        with torch.inference_mode():
            assert np.allclose(model.logits(ids).numpy()[0], logits[row], atol=1e-5)


def test_its_record_names_the_teacher_and_what_of_it_counts(teacher: RunRecord, student: RunFiles) -> None:
    record = student.record
    assert record.tags["encore.teacher"] == record.params["train.teacher"] == teacher.run_id
    assert "encore.teacher_knows" not in record.tags
    assert {
        f"encore.ran.fingerprint.teacher_{name}" for name in ("weights", "tokenizer", "model_config")
    } <= record.tags.keys()
    assert record.params["train.distillation.loss"] == "kl"
    assert "blocks 1, 3 of its teacher" in record.tags["mlflow.note.content"]
    assert teacher.run_id[:8] in record.tags["mlflow.note.content"]
    assert [found for found in verify(student) if not found.holds] == []


def test_it_begins_with_the_teachers_blocks_embeddings_and_head(shared: Store, teacher: RunRecord) -> None:
    still = taught(
        teacher,
        "train.max_steps=1",
        "train.validations=1",
        "optim.learning_rate=1e-30",
        "optim.weight_decay=0",
    )
    run = run_named(shared, train(still, shared).run_id)
    ours, theirs = model_of(run).state_dict(), model_of(RunFiles(shared, teacher)).state_dict()
    block = "distilbert.transformer.layer"
    came_from = {
        name: name.replace(f"{block}.0.", f"{block}.#.")
        .replace(f"{block}.1.", f"{block}.3.")
        .replace("#", "1")
        for name in ours
    }
    assert model_of(run).config.n_layers == 2
    assert len(ours) == len(theirs) - 2 * sum(f"{block}.0." in name for name in theirs)
    assert all(torch.allclose(ours[name], theirs[came_from[name]], rtol=0, atol=1e-20) for name in ours)


@pytest.mark.slow
def test_killed_and_resumed_it_ends_as_if_nothing_had_happened(
    shared: Store, teacher: RunRecord, student: RunFiles
) -> None:
    with killed_at(17):
        train(taught(teacher), shared)
    run = RunFiles(shared, newest(shared))
    for folder in (
        shared.root / "cache" / "teacher"
    ).iterdir():  # as on a machine that has never asked the teacher
        shutil.rmtree(folder) if folder.is_dir() else folder.unlink()
    again = resume(run)
    assert outcome(shared, again.run_id) == outcome(shared, student.record.run_id)
    assert not [folder for folder in (shared.root / "cache" / "teacher").iterdir() if folder.is_dir()]
    assert [found for found in verify(run_named(shared, again.run_id)) if not found.holds] == []


def test_it_is_reproduced_to_the_bit_with_logits_asked_for_anew(shared: Store, student: RunFiles) -> None:
    shutil.rmtree(shared.root / "cache" / "teacher", ignore_errors=True)
    found = reproduce(student)
    assert found.comparison.verdict == "identical"
    assert found.comparison.digests[TEACHER_LOGITS]
    assert found.causes == ()


@pytest.mark.slow
def test_the_same_recipe_is_trained_once_and_another_teacher_is_another(
    shared: Store, teacher: RunRecord, student: RunFiles
) -> None:
    assert train(taught(teacher), shared, FromScratch(reuse=True)).reused == student.record.run_id
    other = shared.find(train(classifier("model.layers=4", "seed=3"), shared).run_id)
    result = train(taught(other), shared, FromScratch(reuse=True))
    assert result.reused is None
    found = shared.find(result.run_id).tags
    assert found["encore.recipe_id"] != student.record.tags["encore.recipe_id"]


@pytest.mark.slow
def test_a_fork_of_it_goes_on_with_its_teacher(shared: Store, teacher: RunRecord) -> None:
    whole = train(taught(teacher, "train.keep_checkpoint_every_steps=7"), shared)
    run = fork(run_named(shared, whole.run_id), "14", [])
    ours, theirs = (read_outcome(run_named(shared, each.run_id)).digests for each in (run, whole))
    for name in ("weights/last", "optimiser", TEACHER_LOGITS):  # the best may stand before the fork
        assert ours[name] == theirs[name]
    assert shared.find(run.run_id).tags["encore.teacher"] == teacher.run_id


@pytest.mark.slow
def test_a_sweep_of_students_is_exported_like_any_other(shared: Store, teacher: RunRecord) -> None:
    asked = [*FROM_ITS_LAYERS, f"train.teacher={teacher.run_id[:8]}", "train.distillation.loss=mse"]
    spec, rest = load_sweep(
        "demo", latest([*SHORT, *ANY_EXPORT, "train.threads=1", "budget.trials=2", *asked])
    )
    run_sweep(spec, shared, overrides=rest)
    trials = shared.runs(tags={"encore.kind": "trial"})
    assert len(trials) == 2
    assert {trial.tags["encore.teacher"] for trial in trials} == {teacher.run_id}
    assert all(trial.metrics["export/int8/size_mib"] > 0 for trial in trials)


def test_a_student_of_another_tokenizer_is_asked_about_its_own_texts(
    shared: Store, teacher: RunRecord, student: RunFiles
) -> None:
    other = classifier(f"train.teacher={teacher.run_id}", "model.vocab_size=300", "data.max_tokens=12")
    run = run_named(shared, train(other, shared).run_id)
    assert model_of(run).config.vocab_size != model_of(student).config.vocab_size
    assert np.array_equal(np.load(run.path(TEACHER_LOGITS)), np.load(student.path(TEACHER_LOGITS)))


@pytest.mark.parametrize(("share", "learns"), [("1", True), ("0", False)])
def test_the_loss_is_the_teachers_share_and_the_labels(
    shared: Store, teacher: RunRecord, share: str, learns: bool
) -> None:
    """Labels alone: the same bits as without a teacher."""
    own = ["train.max_steps=4", "train.validations=1"]
    plain = classifier(*own, "model.layers=2")
    told = classifier(
        *own, "model.layers=2", f"train.teacher={teacher.run_id}", f"train.distillation.weight={share}"
    )
    digests = [outcome(shared, train(config, shared).run_id)[0] for config in (plain, told)]
    assert (digests[0]["weights/last"] != digests[1]["weights/last"]) is learns  # type: ignore[index]


@pytest.mark.slow
def test_rows_that_the_teacher_knows_are_told(shared: Store, teacher: RunRecord) -> None:
    reporter = KeptReporter()
    config = taught(teacher, "data.selection_seed=5", "train.max_steps=1", "train.validations=1")
    run = shared.find(train(config, shared, hooks=Hooks(reporter)).run_id)
    known = run.tags["encore.teacher_knows"]
    assert known.endswith("of the 40 held-out rows")
    assert any(known in sentence for sentence, _ in reporter.said)


def test_runs_without_a_teacher_keep_their_recipe() -> None:
    """Digests of version 1 of the recipe, before there were students."""
    code = SimpleNamespace(code=SimpleNamespace(files={"datamodules/tokens.py": "2"}), lock_digest="lock")
    wanted = {
        "demo_reviews": "bcd71cf257c3ee9f1739c6fe87765d20d96a0c6c685529dccff4aa02a0c8013d",
        "demo_stories": "47d9b930726b43f67fcd5338c38a22e83f6752c6ebf6a91f1752e8bd98b6d708",
    }
    ran = {"threads": "1", "device": "cpu"}
    found = {name: recipe_id(load_experiment(name), {"train": "rows"}, code, ran) for name in wanted}  # type: ignore[arg-type]
    assert found == wanted


@pytest.mark.slow
def test_on_a_server_it_is_played_again_from_elsewhere(server: Any, tmp_path: Path) -> None:
    here, elsewhere = (Store.open(tmp_path / name, server.uri) for name in ("here", "elsewhere"))
    lessons = "data.selection_seed=3"  # one server serves other tests too
    teacher = here.find(train(classifier("model.layers=4", lessons), here).run_id)
    run_id = train(taught(teacher, lessons), elsewhere).run_id
    found = reproduce(run_named(here, run_id))
    assert found.comparison.verdict == "identical"
    assert [checked for checked in verify(run_named(here, found.run_id)) if not checked.holds] == []
    with killed_at(17):
        train(taught(teacher, lessons), here)
    assert outcome(here, resume(RunFiles(here, newest(here))).run_id)[0] == outcome(here, run_id)[0]


def asked(*overrides: str) -> Callable[[RunRecord], ExperimentConfig]:
    return lambda teacher: taught(teacher, *overrides)


@pytest.mark.parametrize(
    ("config", "said"),
    [
        (lambda _: classifier("train.teacher=0123456789ab"), "no run's id begins with '0123456789ab'"),
        (lambda _: classifier("train.teacher=sst2"), "no run's id begins with 'sst2'"),
        (lambda _: classifier(*FROM_ITS_LAYERS), "model.pretrained=teacher: names no teacher"),
        (lambda _: classifier("train.distillation.weight=0.5"), "train.distillation: names no teacher"),
        (lambda teacher: language(f"train.teacher={teacher.run_id}"), "takes no teacher"),
        (asked("model.pretrained_layers=[0,4]"), "there is no block 4"),
        (asked("data.max_tokens=64"), "64 tokens, but the model has"),
    ],
)
def test_what_cannot_be_taught_leaves_no_run_behind(
    shared: Store, teacher: RunRecord, config: Callable[[RunRecord], ExperimentConfig], said: str
) -> None:
    before = len(shared.runs())
    with pytest.raises(UserError) as told:
        train(config(teacher), shared)
    assert said in str(told.value)
    assert "\n" not in str(told.value)
    assert len(shared.runs()) == before


@pytest.mark.parametrize("names", [("positive", "negative"), ("bad", "good")])
def test_other_labels_or_another_order_of_them_are_refused(
    shared: Store, teacher: RunRecord, names: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(DemoReviewsData, "wanted", Wanted("sentence", "label", names))
    before = len(shared.runs())
    with pytest.raises(
        UserError, match=f"its labels are negative, positive; those of the data are {', '.join(names)}"
    ):
        train(taught(teacher), shared)
    assert len(shared.runs()) == before


def test_a_language_model_teaches_no_classifier_and_an_unfinished_run_nobody(
    shared: Store, teacher: RunRecord
) -> None:
    writer = shared.find(train(language(), shared).run_id)
    with pytest.raises(UserError, match="its task is"):
        train(classifier(f"train.teacher={writer.run_id}"), shared)
    with killed_at(3):
        train(classifier("seed=8"), shared)
    with pytest.raises(UserError, match=r"train\.teacher=.*only a finished run has a model"):
        train(classifier(f"train.teacher={newest(shared).run_id}"), shared)


def test_another_vocabulary_does_not_fit_the_teachers_layers(shared: Store, teacher: RunRecord) -> None:
    other = run_named(
        shared,
        train(classifier("model.vocab_size=300", "train.max_steps=1", "train.validations=1"), shared).run_id,
    )
    with pytest.raises(UserError, match=r"is not the tokenizer of|embeds"):
        train(taught(teacher, f"model.tokenizer={other.path('model')}"), shared)


@pytest.mark.slow
@pytest.mark.parametrize("damage", ["weights", "tokenizer", "gone", "in the bin"])
def test_a_teacher_that_is_not_what_it_was_is_named_by_every_verb(store: Store, damage: str) -> None:
    teacher = store.find(train(classifier("model.layers=4"), store).run_id)
    student = run_named(store, train(taught(teacher), store).run_id)
    folder = store.artifact(teacher, "model")
    if damage == "gone":
        shutil.rmtree(folder)
    elif damage == "in the bin":
        store.client.delete_run(teacher.run_id)
    else:
        file = folder / {"weights": "model.safetensors", "tokenizer": "tokenizer.json"}[damage]
        content = bytearray(file.read_bytes())
        content[-9] ^= 1
        file.write_bytes(content)
    runs = len(store.runs())
    verbs: Sequence[Callable[[], object]] = (
        lambda: train(taught(teacher, "seed=1"), store),
        lambda: reproduce(student),
        lambda: check(student),
    )
    for verb in verbs:
        with pytest.raises(UserError, match=f"train.teacher={teacher.run_id[:8]}") as told:
            verb()
        assert "\n" not in str(told.value)
    assert len(store.runs()) == runs
    broken = [found.what for found in verify(student) if not found.holds]
    assert broken == ([] if damage == "in the bin" else ["parent: taught by"])


def test_layers_of_nothing_and_twice_the_same_are_refused() -> None:
    for given, said in (
        (["model.pretrained_layers=[0]"], "which is none"),
        (["model.pretrained=teacher", "model.pretrained_layers=[2,0]"], "rising order"),
        (["model.pretrained=teacher", "model.pretrained_layers=[]"], "pretrained_layers"),
    ):
        with pytest.raises(UserError, match=said):
            load_experiment("demo_reviews", given)
