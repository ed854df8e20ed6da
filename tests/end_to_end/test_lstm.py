"""An LSTM is a run like any other: played again, gone on with, taught, checked, exported and served by MLflow."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from experiments.reproduction.reproduce import reproduce
from experiments.reproduction.resume import resume
from experiments.training.train import train
from runs.files import RunFiles, run_named
from runs.outcome import read_outcome
from runs.verify import verify
from tests.killed import killed_at, newest, outcome
from tests.tiny import ANY_EXPORT, classifier, lstm
from tracking.entities import RunRecord
from tracking.store import Store


@pytest.fixture(scope="module")
def shared(migrated: Path, tmp_path_factory: pytest.TempPathFactory) -> Store:
    folder = tmp_path_factory.mktemp("lstm")
    shutil.copy(migrated, folder / "mlflow.db")
    return Store.open(folder)


@pytest.fixture(scope="module")
def exported(shared: Store) -> RunRecord:
    return shared.find(train(lstm("export.when=finished", *ANY_EXPORT), shared).run_id)


def test_its_record_holds_and_its_export_answers_as_it_does(shared: Store, exported: RunRecord) -> None:
    run = RunFiles(shared, exported)
    assert [check for check in verify(run) if not check.holds] == []
    metrics = exported.metrics
    assert metrics["export/fp32/max_logit_difference"] < 1e-5
    assert metrics["export/int8/size_ratio"] < 1
    answers = pd.read_parquet(run.path("predictions/test/predictions.parquet"))
    assert np.mean(answers["prediction"] == answers["label"]) == pytest.approx(
        metrics["test/accuracy"], abs=1e-4
    )


def test_a_killed_and_resumed_run_is_the_uninterrupted_one(shared: Store) -> None:
    whole = train(lstm(), shared)
    with killed_at(17):
        train(lstm(), shared)
    run_id = newest(shared).run_id
    resume(run_named(shared, run_id))
    assert outcome(shared, run_id) == outcome(shared, whole.run_id)


@pytest.mark.slow
def test_it_is_played_again_to_the_bit(shared: Store, exported: RunRecord) -> None:
    found = reproduce(RunFiles(shared, exported))
    assert found.comparison.verdict == "identical", found.certificate
    assert {"export/fp32/model.onnx", "export/int8/model.onnx"} <= found.comparison.digests.keys()


@pytest.mark.slow
def test_it_learns_from_a_distilbert(shared: Store) -> None:
    teacher = train(classifier("optim.learning_rate=0.003"), shared)
    student = run_named(shared, train(lstm(f"train.teacher={teacher.run_id}"), shared).run_id)
    assert [check for check in verify(student) if not check.holds] == []
    assert read_outcome(student).metrics["test/accuracy"] > 0
