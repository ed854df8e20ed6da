"""One real run after another on the bundled corpora: what it records, and how it ends."""

from __future__ import annotations

import itertools
import json
from collections.abc import Mapping
from pathlib import Path

import pandas as pd
import pytest
import torch

from errors import UserError
from experiments.build import build_data, build_learner, plan
from experiments.config import ExperimentConfig
from experiments.loading import load_experiment
from experiments.naming import flat_params, run_name
from experiments.training.exporting import export_run
from experiments.training.origin import Hooks, RunIdentity
from experiments.training.train import train
from export.report import Gate, GateVerdict
from runs.files import RunFiles
from tests.overrides import latest
from tests.tiny import CLASSIFIER, LANGUAGE, SHORT
from tracking.entities import RunRecord
from tracking.store import Store

MEASURED = [*SHORT, "train.threads=1", "export.scored_examples=200", "export.max_accuracy_drop=0.05",
            "export.latency_seconds=0.001"]  # fmt: skip


def small(*overrides: str) -> ExperimentConfig:
    return load_experiment("demo_reviews", latest([*MEASURED, *CLASSIFIER, *overrides]))


def only_run(store: Store) -> RunRecord:
    (run,) = store.runs()
    return run


@pytest.fixture(scope="module")
def finished(
    migrated: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Store, RunRecord, ExperimentConfig]:
    """A finished classifier run, export included."""
    folder = tmp_path_factory.mktemp("finished")
    (folder / "mlflow.db").write_bytes(migrated.read_bytes())
    store = Store.open(folder, f"sqlite:///{folder / 'mlflow.db'}")
    config = small("seed=3", "model.dropout=0.1")
    result = train(config, store, identity=RunIdentity(name=run_name(config, {"model.dropout": 0.1})))
    return store, store.find(result.run_id), config


def test_a_finished_run_carries_all_that_the_ui_compares(
    finished: tuple[Store, RunRecord, ExperimentConfig],
) -> None:
    _, run, config = finished
    assert run.status == "FINISHED"
    assert run.name == "s3 dropout 0.1 demo_reviews"
    for key, value in flat_params(config).items():
        assert run.params[key] == str(value)
    for metric in ("train/loss", "train/learning_rate", "val/accuracy", "best/val/accuracy", "best/step",
                   "best/val/matthews_correlation", "test/accuracy", "test/f1", "test/accuracy_low",
                   "export/fp32/accuracy", "export/int8/accuracy", "export/int8/size_ratio",
                   "export/int8/latency_b1_p50_ms", "export/int8/latency_b32_p95_ms", "time/training_s"):  # fmt: skip
        assert metric in run.metrics, metric
    assert "held out for selection" in run.tags["mlflow.note.content"]
    assert len(run.tags["encore.recipe_id"]) == 64
    assert run.tags["encore.ran.precision"] == "32-true"
    assert run.tags["encore.ran.threads"] == "1"
    assert run.tags["encore.ran.total_steps"] == "8"


def test_every_step_and_every_validation_is_logged_once(
    finished: tuple[Store, RunRecord, ExperimentConfig],
) -> None:
    store, run, _ = finished
    assert [step for step, _ in store.metric_history(run.run_id, "train/loss")] == list(range(1, 9))
    assert [step for step, _ in store.metric_history(run.run_id, "val/accuracy")] == [2, 4, 6, 8]


def test_the_logged_learning_rates_are_those_of_their_steps(
    finished: tuple[Store, RunRecord, ExperimentConfig],
) -> None:
    from lightning_modules.optimisation import learning_rate_factor

    store, run, config = finished
    rates = store.metric_history(run.run_id, "train/learning_rate")
    for step, rate in rates:
        factor = learning_rate_factor(step - 1, schedule="linear", warmup_steps=1, total_steps=8)
        assert rate == pytest.approx(config.optim.learning_rate * factor)


def test_the_scores_are_those_of_the_kept_predictions(
    finished: tuple[Store, RunRecord, ExperimentConfig],
) -> None:
    store, run, _ = finished
    for split, prefix in (("val", "best/val"), ("test", "test")):
        answers = pd.read_parquet(store.artifact(run, f"predictions/{split}/predictions.parquet"))
        assert (answers["label"] == answers["prediction"]).mean() == pytest.approx(
            run.metrics[f"{prefix}/accuracy"]
        )
        assert answers["row"].tolist() == list(range(len(answers)))


def test_the_kept_model_is_the_best_one_and_answers_as_recorded(
    finished: tuple[Store, RunRecord, ExperimentConfig],
) -> None:
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    store, run, _ = finished
    folder = store.artifact(run, "model")
    model = AutoModelForSequenceClassification.from_pretrained(folder).eval()
    tokenizer = AutoTokenizer.from_pretrained(folder)
    answers = pd.read_parquet(store.artifact(run, "predictions/test/predictions.parquet")).head(20)
    for _, answer in answers.iterrows():
        with torch.no_grad():
            logits = model(**tokenizer(answer["text"], return_tensors="pt")).logits[0]
        assert logits.tolist() == pytest.approx([answer["logit_0"], answer["logit_1"]], abs=1e-4)


def test_checkpoints_are_read_without_pickle_and_their_weights_agree(
    finished: tuple[Store, RunRecord, ExperimentConfig],
) -> None:
    from safetensors.torch import load_file

    store, run, _ = finished
    for name, step in (("last", 8), ("best", int(run.metrics["best/step"]))):
        checkpoint = torch.load(store.artifact(run, f"checkpoints/{name}.ckpt"), weights_only=True)
        assert checkpoint["global_step"] == step
        assert checkpoint["optimizer_states"]
        weights = load_file(store.artifact(run, f"checkpoints/{name}.safetensors"))
        for key, value in weights.items():
            assert torch.equal(checkpoint["state_dict"][f"model.{key}"], value)


def test_the_record_is_complete(finished: tuple[Store, RunRecord, ExperimentConfig]) -> None:
    store, run, config = finished
    recorded = json.loads(store.artifact(run, "run/config.json").read_text())
    assert ExperimentConfig.model_validate(recorded) == config
    provenance = json.loads(store.artifact(run, "run/provenance.json").read_text())
    assert provenance["torch"] is not None
    assert "torch" in provenance["distributions"]
    assert store.artifact(run, "run/working_tree.patch").exists()
    assert not list(store.artifact(run, "checkpoints").glob(".*partial"))


def test_exporting_again_writes_on_the_same_run(finished: tuple[Store, RunRecord, ExperimentConfig]) -> None:
    store, run, _ = finished
    before = len(store.runs())
    report = export_run(RunFiles(store, run))
    again = store.find(run.run_id)
    assert len(store.runs()) == before
    assert again.status == "FINISHED"
    assert again.metrics["export/int8/accuracy"] == report.metrics["export/int8/accuracy"]


@pytest.mark.slow
def test_a_missed_gate_is_told_and_recorded(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The gate's own judgement is tested with a model that is really damaged, beside the export."""
    missed = {what: Gate(GateVerdict.FAILED, what) for what in ("too bad", "too slow")}
    monkeypatch.setattr("export.pipeline.gates", lambda *_, **__: missed)
    store = Store.open(root)
    result = train(small("train.max_steps=4"), store)
    run = only_run(store)
    assert result.gate_failures == ("too bad", "too slow")
    assert run.tags["encore.export_gate"] == "too bad; too slow"
    assert run.tags["encore.gate"] == "failed"
    assert run.status == "FINISHED"
    assert "export/int8/accuracy" in run.metrics


def test_a_pruned_run_is_killed_and_has_every_column(root: Path) -> None:
    store = Store.open(root)
    seen: list[int] = []

    def stop(step: int, metrics: Mapping[str, float]) -> bool:
        seen.append(step)
        assert set(metrics) == {"val/loss", "val/accuracy"}
        return step == 4

    result = train(small(), store, hooks=Hooks(stop_when=stop))
    run = only_run(store)
    assert result.status == "pruned"
    assert result.steps == 4
    assert seen == [2, 4]
    assert run.status == "KILLED"
    assert run.tags["encore.killed_because"] == "pruned"
    assert {"best/val/accuracy", "test/accuracy", "train/loss", "time/training_s"} <= set(run.metrics)
    assert flat_params(small()).keys() <= run.params.keys()
    with pytest.raises(UserError, match=r"this one is KILLED \(pruned\)"):
        export_run(RunFiles(store, run))


def test_a_cue_at_the_last_step_prunes_nothing(root: Path) -> None:
    result = train(
        small("export.when=never"), Store.open(root), hooks=Hooks(stop_when=lambda step, _: step == 8)
    )
    assert result.status == "finished"


@pytest.mark.slow
def test_exporting_with_other_rows_is_refused(root: Path, tmp_path: Path) -> None:
    rows = pd.DataFrame({"sentence": [f"film {i} is fine" for i in range(60)], "label": [0, 1] * 30})
    for split in ("train", "validation"):
        rows.to_parquet(tmp_path / f"{split}.parquet")
    store = Store.open(root)
    config = small(
        "data.kind=sst2",
        f"data.path={tmp_path}",
        "data.selection_examples=10",
        "data.train_examples=none",
        "export.when=never",
    )
    train(config, store)
    rows.iloc[::-1].to_parquet(tmp_path / "train.parquet")
    export_run(RunFiles(store, only_run(store)))  # of which no row is scored
    metrics = only_run(store).metrics
    rows.head(50).to_parquet(tmp_path / "validation.parquet")
    with pytest.raises(UserError, match="'test' are not those of the run"):
        export_run(RunFiles(store, only_run(store)))
    assert only_run(store).metrics == metrics


def test_an_interrupt_while_the_record_is_written_leaves_no_run_running(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(_: Path, **__: object) -> str:
        raise KeyboardInterrupt

    monkeypatch.setattr("experiments.training.opening.working_tree_patch", interrupted)
    store = Store.open(root)
    with pytest.raises(KeyboardInterrupt):
        train(small(), store)
    assert only_run(store).status == "KILLED"


def test_training_runs_with_dropout_and_a_loaded_model_too(root: Path, tmp_path: Path) -> None:
    config = small("model.dropout=0.1")
    data = build_data(config, cache_dir=root / "cache")
    build_learner(config, data, plan(config, data)).text_model.save(tmp_path / "model")
    data.tokenizer.save_pretrained(tmp_path / "model")
    again = small(f"model.pretrained={tmp_path / 'model'}", "model.dropout=0.1")
    learner = build_learner(again, build_data(again, cache_dir=root / "cache"), plan(again, data))
    assert all(module.training for module in learner.modules())


@pytest.mark.slow
def test_the_same_config_gives_the_same_bits_and_another_seed_does_not(root: Path) -> None:
    store = Store.open(root)

    def losses(*overrides: str) -> list[tuple[int, float]]:
        result = train(small("export.when=never", "model.dropout=0.1", *overrides), store)
        return store.metric_history(result.run_id, "train/loss")

    first = losses()
    assert losses("data.loader_workers=2") == first
    assert losses("seed=9") != first


def test_accumulated_batches_count_as_one_step(root: Path) -> None:
    store = Store.open(root)
    result = train(small("train.accumulate_batches=3", "data.batch_size=8", "export.when=never"), store)
    assert result.steps == 8
    assert [step for step, _ in store.metric_history(result.run_id, "train/loss")] == list(range(1, 9))


def test_early_stopping_stops(root: Path) -> None:
    store = Store.open(root)
    config = small("optim.learning_rate=0.5", "train.early_stopping_patience=1", "export.when=never",
                   "train.max_steps=40", "train.validations=20", "optim.warmup_ratio=0")  # fmt: skip
    result = train(config, store)
    run = only_run(store)
    losses = store.metric_history(run.run_id, "val/loss")
    worse = [now >= before for (_, before), (_, now) in itertools.pairwise(losses)]
    assert worse.index(True) == len(worse) - 1  # at the first one that is no better, and at no other
    assert result.steps == losses[-1][0] < 40
    assert run.status == "FINISHED"


def test_a_language_model_trains_scores_and_exports(root: Path) -> None:
    store = Store.open(root)
    config = load_experiment(
        "demo_stories",
        latest([*MEASURED, *LANGUAGE, "export.scored_examples=20", "export.max_loss_increase=1"]),
    )
    result = train(config, store)
    run = only_run(store)
    assert run.status == "FINISHED"
    assert run.metrics["test/loss"] == pytest.approx(
        torch.tensor(run.metrics["test/perplexity"]).log().item(), abs=1e-3
    )
    assert run.metrics["best/val/loss"] <= run.metrics["val/loss"] + 1e-3
    assert "export/int8/perplexity" in result.metrics
