"""An LSTM is a run like any other: played again, gone on with, taught, checked, exported and served by MLflow."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from datamodules.cut import TextLimit
from datamodules.tokenizers import encode, load_tokenizer
from experiments.reproduction.reproduce import reproduce
from experiments.reproduction.resume import resume
from experiments.training.train import train
from export.session import OnnxModel
from export.text_ids import TextIds
from lightning_modules.families import FAMILIES
from runs.bundling import bundle_of
from runs.files import RunFiles, run_named
from runs.outcome import read_outcome
from runs.served import log_served
from runs.verify import verify
from tests.killed import killed_at, newest, outcome
from tests.processes import inside
from tests.serving.servers import serving
from tests.strangers import asked_of_models
from tests.tiny import ANY_EXPORT, classifier, lstm
from tracking.entities import RunRecord
from tracking.store import Store


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


@pytest.mark.slow
def test_a_killed_and_resumed_run_is_the_uninterrupted_one(shared: Store) -> None:
    whole = train(lstm(), shared)
    with killed_at(17):
        train(lstm(), shared)
    run_id = newest(shared).run_id
    resume(run_named(shared, run_id))
    assert outcome(shared, run_id) == outcome(shared, whole.run_id)


def test_it_has_no_attention_to_show(shared: Store, exported: RunRecord) -> None:
    asked = ("study", "attention", "a film", "--run", exported.run_id, "--layer", "0", "--head", "0")
    done = inside(*asked, "--root", shared.root)
    assert (done.returncode, done.stdout) == (2, "")
    assert "a model of kind 'lstm' has no attention" in done.stderr.splitlines()[-1]


@pytest.mark.slow
def test_it_is_played_again_to_the_bit(shared: Store, exported: RunRecord) -> None:
    found = reproduce(RunFiles(shared, exported))
    assert found.comparison.verdict == "identical", found.certificate
    assert {"export/fp32/model.onnx", "export/int8/model.onnx"} <= found.comparison.digests.keys()


@pytest.mark.slow
def test_mlflow_loads_it_where_nothing_of_encore_is(
    shared: Store, exported: RunRecord, tmp_path: Path
) -> None:
    run = run_named(shared, train(lstm("model.layers=2", "seed=5"), shared).run_id)
    uri, texts = f"models:/{log_served(run)}", ["The film is lovely.", "The film is not good at all."]
    int8 = f"models:/{log_served(RunFiles(shared, exported))}"
    found = asked_of_models(shared.uri, [(uri, texts, None), (int8, texts, None)], tmp_path)
    assert [row["label"] in ("negative", "positive") for row in found[int8]] == [True, True]
    answers = found[uri]
    tokenizer = load_tokenizer(str(run.path("model")), local_files_only=True)
    model = FAMILIES["lstm"].read(run.path("model"))
    for text, answer in zip(texts, answers, strict=True):
        with torch.inference_mode():
            shares = (
                model.logits(torch.tensor([encode(tokenizer, text)["input_ids"]])).double().softmax(-1)[0]
            )
        assert answer["label"] == ("negative", "positive")[int(shares.argmax())]
        assert answer["probability"] == pytest.approx(float(shares.max()), abs=1e-6)


@pytest.mark.slow
def test_its_bundle_is_served_and_says_what_its_file_takes(
    shared: Store, exported: RunRecord, tmp_path: Path
) -> None:
    bundle = tmp_path / "bundle"
    bundle_of(RunFiles(shared, exported), "int8", bundle)
    alone = (
        "takes them as `input_ids` (int64, one text a row, texts of one length: it has no mask for padding)"
    )
    assert alone in (bundle / "README.md").read_text()
    texts = ["The film is lovely.", "The film is not good at all."]
    model, reader = OnnxModel(bundle, threads=1), TextIds(bundle, limit=TextLimit(48))
    with serving(bundle) as running:
        answers = running.classify(texts).json()["answers"]
    for text, answer in zip(texts, answers, strict=True):
        logits = model.logits(np.array([reader.of(text).ids], np.int64))[0]
        assert np.array(answer["logits"], np.float32).tobytes() == logits.tobytes()


@pytest.mark.slow
def test_it_learns_from_a_distilbert(shared: Store) -> None:
    teacher = train(classifier("optim.learning_rate=0.003"), shared)
    student = run_named(shared, train(lstm(f"train.teacher={teacher.run_id}"), shared).run_id)
    assert [check for check in verify(student) if not check.holds] == []
    assert read_outcome(student).metrics["test/accuracy"] > 0
