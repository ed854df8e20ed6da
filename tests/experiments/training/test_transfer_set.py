"""A student learns from texts without labels, too, and its record says from which."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from errors import UserError
from experiments.reproduction.reproduce import check, reproduce
from experiments.reproduction.resume import resume
from experiments.training.exporting import export_run
from experiments.training.origin import FromScratch
from experiments.training.train import train
from runs.files import RunFiles, run_named
from runs.layout import TEACHER_LOGITS
from runs.verify import verify
from tests.killed import killed_at, newest, outcome
from tests.tiny import ANY_EXPORT, classifier
from tracking.entities import RunRecord
from tracking.store import Store

TEXTS = [f"The {noun} was {how}. It was not." for noun in ("plot", "cast", "music") for how in ("new", "odd")]


def write(file: Path, texts: list[str] = TEXTS) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    pd.DataFrame({"text": texts}).to_parquet(file)
    return file


@pytest.fixture(scope="module")
def teacher(shared: Store) -> RunRecord:
    return shared.find(train(classifier("optim.learning_rate=0.003"), shared).run_id)


@pytest.fixture(scope="module")
def texts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("texts") / "texts.parquet")


def asked(teacher: RunRecord, file: Path, *more: str) -> list[str]:
    there = [f"train.teacher={teacher.run_id}", "train.distillation.loss=mse"]
    return [*there, f"train.transfer_set.path={file}", "train.transfer_set.sentences=true", *more]


@pytest.fixture(scope="module")
def student(shared: Store, teacher: RunRecord, texts: Path) -> RunFiles:
    return run_named(shared, train(classifier(*asked(teacher, texts)), shared).run_id)


def test_its_record_has_the_texts_and_what_the_teacher_answers_to_them(
    shared: Store, teacher: RunRecord, student: RunFiles
) -> None:
    logits, tags = np.load(student.path(TEACHER_LOGITS)), student.record.tags
    assert logits.shape == (160 + 7, 2)  # six sentences, and one that all have
    assert np.isfinite(logits).all()
    assert {"encore.ran.fingerprint.transfer", "encore.ran.fingerprint.tokens.transfer"} <= tags.keys()
    assert "7 texts without labels" in tags["mlflow.note.content"]
    assert [found for found in verify(student) if not found.holds] == []
    plain = run_named(shared, train(classifier(*asked(teacher, Path("x"))[:2]), shared).run_id)
    assert np.array_equal(np.load(plain.path(TEACHER_LOGITS)), logits[:160])
    assert outcome(shared, plain.record.run_id)[0] != outcome(shared, student.record.run_id)[0]


def test_it_is_refused_without_a_teacher_and_without_its_file(
    shared: Store, teacher: RunRecord, texts: Path, tmp_path: Path
) -> None:
    before = len(shared.runs())
    with pytest.raises(UserError, match=r"train\.transfer_set: names no teacher"):
        train(classifier(*asked(teacher, texts)[2:]), shared)
    with pytest.raises(UserError, match="no such file"):
        train(classifier(*asked(teacher, tmp_path / "none.txt")), shared)
    assert len(shared.runs()) == before


@pytest.mark.slow
def test_where_they_lie_does_not_count_and_what_they_are_does(
    shared: Store, teacher: RunRecord, student: RunFiles, texts: Path, tmp_path: Path
) -> None:
    moved, other = tmp_path / "moved.parquet", write(tmp_path / "other.parquet", [*TEXTS, "One more."])
    shutil.copy(texts, moved)
    again = train(classifier(*asked(teacher, moved)), shared, FromScratch(reuse=True))
    assert again.reused == student.record.run_id
    third = run_named(
        shared, train(classifier(*asked(teacher, other)), shared, FromScratch(reuse=True)).run_id
    )
    assert third.record.tags["encore.recipe_id"] != student.record.tags["encore.recipe_id"]
    write(other)
    causes = [(cause.kind, cause.name) for cause in check(third)]
    assert causes == [("data", "transfer"), ("data", "tokenizer")]  # whose words are theirs, too
    with pytest.raises(
        UserError, match=r"rows of the split 'transfer' are not those .*: 7 rows now, 8 then"
    ) as told:
        reproduce(third)
    assert str(other) in told.value.where


@pytest.mark.slow
def test_killed_resumed_and_played_again_it_is_the_same_run(
    shared: Store, teacher: RunRecord, student: RunFiles, texts: Path
) -> None:
    with killed_at(17):
        train(classifier(*asked(teacher, texts)), shared)
    run_id = newest(shared).run_id
    resume(run_named(shared, run_id))
    assert outcome(shared, run_id) == outcome(shared, student.record.run_id)
    found = reproduce(student)
    assert found.comparison.verdict == "identical", found.certificate


@pytest.mark.slow
def test_it_is_exported_where_the_texts_are_gone(shared: Store, teacher: RunRecord, tmp_path: Path) -> None:
    file = write(tmp_path / "texts.parquet")
    run = run_named(shared, train(classifier(*asked(teacher, file), "seed=3", *ANY_EXPORT), shared).run_id)
    file.unlink()
    assert export_run(run_named(shared, run.record.run_id)).metrics["export/fp32/max_logit_difference"] < 1e-3
