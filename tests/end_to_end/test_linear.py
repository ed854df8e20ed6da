"""A linear classifier is a run like any other: fitted in one step, played again, gone on with, exported, a teacher."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
import torch

from datamodules.tokenizers import encode, load_tokenizer
from errors import UserError
from experiments.config import ExperimentConfig
from experiments.loading import load_experiment
from experiments.reproduction.reproduce import reproduce
from experiments.reproduction.resume import resume
from experiments.training.explaining import explained
from experiments.training.train import train
from lightning_modules.families import FAMILIES
from runs.files import RunFiles, run_named
from runs.outcome import read_outcome
from runs.served import log_served
from runs.verify import verify
from tests.killed import killed_at, newest, outcome
from tests.strangers import asked_of_models
from tests.tiny import ANY_EXPORT, linear, lstm
from tracking.entities import RunRecord
from tracking.store import Store

NB = ["model.features=nb", "model.loss=squared_hinge", "model.C=0.1", "model.beta=0.5"]


@pytest.fixture(scope="module")
def exported(shared: Store) -> RunRecord:
    return shared.find(train(linear("export.when=finished", *ANY_EXPORT), shared).run_id)


def test_its_record_holds_and_its_export_answers_as_it_does(shared: Store, exported: RunRecord) -> None:
    run = RunFiles(shared, exported)
    assert [check for check in verify(run) if not check.holds] == []
    metrics = exported.metrics
    assert metrics["export/fp32/max_logit_difference"] < 1e-5
    assert metrics["test/accuracy"] > 0.5
    assert metrics["train/solver_rounds"] > 1
    assert {"train/learning_rate", "train/gradient_norm"}.isdisjoint(metrics)
    assert exported.params["optim"] == "None"
    assert [step for step, _ in shared.metric_history(exported.run_id, "val/accuracy")] == [1]
    answers = pd.read_parquet(run.path("predictions/test/predictions.parquet"))
    assert (answers["prediction"] == answers["label"]).mean() == pytest.approx(metrics["test/accuracy"])


def test_a_run_that_was_killed_after_its_step_is_the_uninterrupted_one(shared: Store) -> None:
    with killed_at(1, "load_weights"):
        train(linear(), shared)
    run_id = newest(shared).run_id
    resume(run_named(shared, run_id))
    whole = train(linear(), shared)
    assert outcome(shared, run_id) == outcome(shared, whole.run_id)


def test_its_int8_has_nothing_to_explain(shared: Store, exported: RunRecord) -> None:
    with pytest.raises(UserError, match="int8 writes no node of this model in whole numbers"):
        explained(RunFiles(shared, exported), "int8")


@pytest.mark.slow
def test_it_is_played_again_to_the_bit(shared: Store, exported: RunRecord) -> None:
    found = reproduce(RunFiles(shared, exported))
    assert found.comparison.verdict == "identical", found.certificate
    assert {"export/fp32/model.onnx", "weights/best"} <= found.comparison.digests.keys()


@pytest.mark.slow
def test_mlflow_loads_it_where_nothing_of_encore_is(
    shared: Store, exported: RunRecord, tmp_path: Path
) -> None:
    texts = ["The film is lovely.", "The film is not good at all.", "", "qqq"]
    runs = [run_named(shared, train(linear(*more), shared).run_id) for more in ([], NB)]
    uris = [f"models:/{log_served(run)}" for run in (*runs, RunFiles(shared, exported))]
    found = asked_of_models(shared.uri, [(uri, texts, None) for uri in uris], tmp_path)
    for uri, run in zip(uris, (*runs, RunFiles(shared, exported)), strict=True):
        tokenizer = load_tokenizer(str(run.path("model")), local_files_only=True)
        model = FAMILIES["linear"].read(run.path("model"))
        for text, answer in zip(texts, found[uri], strict=True):
            with torch.inference_mode():
                logits = model.logits(torch.tensor([encode(tokenizer, text)["input_ids"]]))
            shares = logits.double().softmax(-1)[0]
            assert answer["label"] == ("negative", "positive")[int(shares.argmax())]
            assert answer["probability"] == pytest.approx(float(shares.max()), abs=1e-6)


@pytest.mark.slow
def test_an_lstm_learns_from_it(shared: Store, exported: RunRecord) -> None:
    student = run_named(shared, train(lstm(f"train.teacher={exported.run_id}"), shared).run_id)
    assert [check for check in verify(student) if not check.holds] == []
    assert read_outcome(student).metrics["test/accuracy"] > 0


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ("train.precision=bf16-mixed", "train.precision has no choice where a model of kind 'linear'"),
        ("train.max_epochs=2", "it is 1. Leave train.max_epochs out."),
        ("train.max_steps=5", "train.max_steps has no choice"),
        ("train.teacher=abcd1234", "train.teacher has no choice"),
        ("train.device=auto", "it is cpu. Leave train.device out."),
        ("optim.learning_rate=0.1", "optim has no choice"),
        ("model.pretrained=owner/name", "model.pretrained has no choice"),
        ("model.dropout=0.1", "no such key for kind 'linear'"),
        ("model.C=0", "model.C: 0.0 is not allowed. Give a number from 1e-06, at most 1000000.0."),
        ("model.longest_ngram=4", "Give a whole number from 1 to 3."),
        ("model.beta=0.5", "beta leads from what is fitted to naive Bayes, and features is tfidf"),
        ("model.features=bm25", "model.features: 'bm25' is not allowed. Give 'tfidf' or 'nb'."),
    ],
)
def test_what_makes_no_sense_for_it_is_refused_in_one_line(asked: str, said: str) -> None:
    with pytest.raises(UserError) as caught:
        load_experiment("demo_linear", [asked])
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_what_has_no_choice_is_in_the_record_though_nobody_says_it() -> None:
    config = load_experiment("demo_linear")
    assert (config.optim, config.train.validations, config.train.device) == (None, 1, "cpu")
    assert ExperimentConfig.model_validate_json(config.model_dump_json()) == config
    assert load_experiment("demo_reviews").optim is not None


def test_a_model_that_gradients_train_needs_an_optimiser() -> None:
    with pytest.raises(UserError, match="optim: field required"):
        load_experiment("demo_reviews", ["optim=none"])


def one_label(folder: Path) -> str:
    folder.mkdir()
    for split in ("train", "validation"):
        rows = "".join(f"film number {row} is good,1\n" for row in range(80))
        (folder / f"{split}.csv").write_text("sentence,label\n" + rows)
    return f"data.path={folder}"


def test_rows_that_nothing_can_be_fitted_to_are_refused_before_anything_is_recorded(
    shared: Store, tmp_path: Path
) -> None:
    before = len(shared.runs())
    with pytest.raises(UserError, match=r"model\.min_df: no n-gram stands in 1000 of the 160 train rows"):
        train(linear("model.min_df=1000"), shared)
    with pytest.raises(UserError, match="train rows are positive, and a linear model tells two labels apart"):
        train(
            linear(one_label(tmp_path / "rows"), "data.train_examples=none", "data.selection_examples=8"),
            shared,
        )
    assert len(shared.runs()) == before
