"""A finished run is one of MLflow's models, which answers as the run does, in a process without Encore."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from errors import UserError
from experiments.checkout import REPOSITORY
from experiments.loading import load_experiment
from experiments.stories.generate import generate, trained_writer
from experiments.training.exporting import export_run
from experiments.training.inputs import data_of_run, recorded_config
from experiments.training.origin import Hooks
from experiments.training.train import train
from export.variants import VariantName
from generation.options import DecodingConfig
from host.files import entries
from runs.files import RunFiles, run_named
from runs.layout import CONFIG_FILE, EXPORT_FOLDER, EXPORT_REPORT, MODEL_FOLDER
from runs.served import log_served, served_model
from runs.verify import verify
from tests.comparison.made_runs import Made, make, reviews
from tests.reporters import KeptReporter
from tests.strangers import asked_of_models
from tests.tiny import ANY_EXPORT, CLASSIFIER, LANGUAGE, SHORT
from tracking.store import Store

SOURCE = REPOSITORY / "export" / "served_model.py"
MLFLOWS_OWN = {"registered_model_meta"}  # left by whoever loads a model
PROMPTS = ("Once upon a time", "Tom", "")


@dataclass(frozen=True)
class Kept:
    """A store and its runs, with the models that MLflow has of them."""

    store: Store
    classifier: str
    writer: str
    unexported: str

    def run(self, run_id: str) -> RunFiles:
        return run_named(self.store, run_id)

    def models(self, run_id: str) -> list[Any]:
        return models_of(self.store, run_id)

    def folder(self, run_id: str) -> Path:
        [model] = self.models(run_id)
        return next((self.store.root / "artifacts").glob(f"*/models/{model.model_id}")) / "artifacts"


def models_of(store: Store, run_id: str) -> list[Any]:
    experiments = [experiment.experiment_id for experiment in store.client.search_experiments()]
    found = store.client.search_logged_models(experiments, filter_string=f"source_run_id = '{run_id}'")
    return [model for model in found if str(model.status) == "READY"]


@pytest.fixture(scope="module")
def kept(migrated: Path, tmp_path_factory: pytest.TempPathFactory) -> Kept:
    root = tmp_path_factory.mktemp("kept") / "mlruns"
    root.mkdir()
    shutil.copy(migrated, root / "mlflow.db")
    store = Store.open(root)
    short = [*SHORT, "train.threads=1"]
    stories = [*short, *LANGUAGE, "samples.decoding.max_length=20"]
    return Kept(
        store,
        train(load_experiment("demo_reviews", [*short, *CLASSIFIER, *ANY_EXPORT]), store).run_id,
        train(load_experiment("demo_stories", [*stories, *ANY_EXPORT]), store).run_id,
        train(load_experiment("demo_stories", [*stories, "export.when=never", "seed=1"]), store).run_id,
    )


@pytest.mark.slow
def test_a_model_answers_as_its_run_where_nothing_of_encore_is(kept: Kept, tmp_path: Path) -> None:
    run = kept.run(kept.classifier)
    recorded, texts = _scored(run)
    uris = {run_id: f"models:/{kept.models(run_id)[0].model_id}" for run_id in _all(kept)}
    params = {"seed": 3, "temperature": 0.5, "max_length": 20}
    asked = [(uris[kept.classifier], [*texts, f"  {texts[0]} \n"], None)]
    asked += [(uris[run_id], PROMPTS, params) for run_id in (kept.writer, kept.unexported)]
    answers = asked_of_models(kept.store.uri, asked, tmp_path)

    found = answers[uris[kept.classifier]]
    logits_NC = recorded[["int8_logit_0", "int8_logit_1"]].to_numpy()
    powers_NC = np.exp(logits_NC - logits_NC.max(axis=1, keepdims=True))
    expected_N = (powers_NC / powers_NC.sum(axis=1, keepdims=True)).max(axis=1)
    names = np.array(["negative", "positive"])
    assert [row["label"] for row in found[:-1]] == list(names[recorded["int8_prediction"]])
    assert [row["probability"] for row in found[:-1]] == pytest.approx(list(expected_N), abs=1e-6)
    assert found[-1] == found[0]  # as the rows of a run, without the white space around it
    variants: dict[str, VariantName] = {kept.writer: "int8", kept.unexported: "torch"}
    for run_id, variant in variants.items():
        stories = generate(
            trained_writer(kept.run(run_id), variant, threads=1),
            PROMPTS,
            DecodingConfig(seed=3, temperature=0.5, max_length=20),
            batch_size=1,
        ).stories
        assert answers[uris[run_id]] == [
            {"text": story.text, "tokens": story.tokens, "ended": story.ended} for story in stories
        ]


def test_a_model_is_links_to_plain_files_of_its_run_and_our_source(kept: Kept) -> None:
    exported, trained = ("model.onnx", "export/int8"), ("model.safetensors", "model")
    for run_id, (weights, folder) in zip(_all(kept), (exported, exported, trained), strict=True):
        model = kept.folder(run_id)
        shared = {weights, "config.json", "tokenizer.json"}
        own = {"MLmodel", "served_model.py", "requirements.txt", "python_env.yaml"}
        assert set(entries(model)) - MLFLOWS_OWN == shared | own
        for name in shared:
            assert (model / name).samefile(kept.run(run_id).path(f"{folder}/{name}"))
        assert not (model / "served_model.py").samefile(SOURCE)  # which somebody may edit
        assert (model / "served_model.py").read_bytes() == SOURCE.read_bytes()
        assert str(kept.store.root) not in (model / "MLmodel").read_text()


def test_a_model_has_the_figures_of_its_variant_on_the_official_rows(kept: Kept) -> None:
    run = kept.run(kept.classifier)
    [model] = kept.models(kept.classifier)
    figures = {metric.key: metric.value for metric in model.metrics}
    prefix = "export/int8/"
    assert figures == {key: value for key, value in run.record.metrics.items() if key.startswith(prefix)}
    assert {f"{prefix}accuracy", f"{prefix}size_mib", f"{prefix}latency_b1_p50_ms"} <= figures.keys()
    whole = run.record.tags["encore.ran.fingerprint.test"]
    assert {metric.dataset_digest for metric in model.metrics} == {whole[:36]}
    assert model.params == run.record.params
    assert len(kept.store.metric_history(run.record.run_id, f"{prefix}accuracy")) == 1
    [outputs] = kept.store.client.get_run(run.record.run_id).outputs.model_outputs
    assert outputs.model_id == model.model_id
    assert {metric.key for metric in kept.models(kept.unexported)[0].metrics} == {
        key for key in kept.run(kept.unexported).record.metrics if key.startswith("test/")
    }


@pytest.mark.slow
def test_a_run_has_one_model_however_often_it_is_exported(kept: Kept, tmp_path: Path) -> None:
    store = _moved(kept, tmp_path)
    run = run_named(store, kept.unexported)
    [before] = models_of(store, kept.unexported)
    assert log_served(run) == before.model_id
    export_run(run)
    [after] = models_of(store, kept.unexported)
    assert (before.tags["encore.variant"], after.tags["encore.variant"]) == ("torch", "int8")
    export_run(run)  # the same bytes
    assert [model.model_id for model in models_of(store, kept.unexported)] == [after.model_id]
    folders = {folder.name for folder in (store.root / "artifacts").glob("*/models/*")}
    assert before.model_id not in folders
    assert after.model_id in folders


@pytest.mark.parametrize(("apart", "variant"), [(1e-5, "fp32"), (0.7, "torch")])
def test_a_gate_that_failed_leaves_fp32_and_that_must_be_what_was_trained(
    store: Store, apart: float, variant: str
) -> None:
    run_id = make(store, reviews(20), Made(np.ones(20, bool)))
    log = store.attach(run_id)
    log.log_json({"data": {"max_tokens": 48}}, CONFIG_FILE)
    metrics = {"export/fp32/max_logit_difference": apart}
    files = ("config.json", "tokenizer.json", "tokenizer_config.json")
    for folder, weights in ((MODEL_FOLDER, "model.safetensors"), (f"{EXPORT_FOLDER}/fp32", "model.onnx")):
        with log.folder(folder) as place:
            for name in (weights, *files):
                (place / name).write_text(name)
    log.log_json({"metrics": metrics, "digests": {}, "failures": ["A limit was missed."]}, EXPORT_REPORT)
    log.close()
    assert served_model(run_named(store, run_id)).tags == {"encore.variant": variant}


@pytest.mark.slow
def test_a_store_that_was_moved_still_loads_its_models(kept: Kept, tmp_path: Path) -> None:
    store = _moved(kept, tmp_path)
    [model] = models_of(store, kept.classifier)
    folder = store.root / "artifacts" / "demo_reviews" / "models" / model.model_id / "artifacts"
    assert model.artifact_location == folder.as_uri()
    uri = f"models:/{model.model_id}"
    assert len(asked_of_models(store.uri, [(uri, ["a film"], None)], tmp_path)[uri]) == 1


def test_what_keeps_a_model_from_being_kept_costs_the_run_nothing(root: Path) -> None:
    store, told = Store.open(root), KeptReporter()
    (root / "artifacts" / "demo_reviews").mkdir(parents=True)
    (root / "artifacts" / "demo_reviews" / "models").write_text("a file where a folder is needed")
    config = load_experiment("demo_reviews", [*SHORT, *CLASSIFIER, "train.threads=1", "export.when=never"])
    run = run_named(store, train(config, store, hooks=Hooks(told)).run_id)
    assert run.record.status == "FINISHED"
    assert [check for check in verify(run) if not check.holds] == []
    [warning] = [text for text, kind in told.said if kind == "warning" and "model" in text]
    assert "a file stands where a folder is needed" in warning
    assert models_of(store, run.record.run_id) == []
    (root / "artifacts" / "demo_reviews" / "models").unlink()
    log_served(run)
    assert len(models_of(store, run.record.run_id)) == 1


def test_nothing_is_removed_where_an_altered_store_says_that_a_model_lies(kept: Kept, tmp_path: Path) -> None:
    store = _moved(kept, tmp_path)
    for place in (tmp_path / "elsewhere" / "artifacts", store.root / "artifacts"):
        place.mkdir(parents=True, exist_ok=True)
        (place / "precious").write_text("mine")
        with closing(sqlite3.connect(store.root / "mlflow.db")) as connection, connection:
            connection.execute("UPDATE logged_models SET artifact_location = ?, status = 1", [place.as_uri()])
        with pytest.raises(UserError, match="its files are said to lie"):
            log_served(run_named(store, kept.classifier))
        assert (place / "precious").read_text() == "mine"


def test_what_is_beside_a_link_to_a_models_folder_stays(kept: Kept, tmp_path: Path) -> None:
    store = _moved(kept, tmp_path)
    [model] = models_of(store, kept.classifier)
    folder = store.root / "artifacts" / "demo_reviews" / "models" / model.model_id
    link = store.root / "artifacts" / "link"
    link.symlink_to(folder / "artifacts")
    with closing(sqlite3.connect(store.root / "mlflow.db")) as connection, connection:
        connection.execute(
            "UPDATE logged_models SET artifact_location = ?, status = 1 WHERE model_id = ?",
            [link.as_uri(), model.model_id],
        )
    log_served(run_named(store, kept.classifier))
    assert not folder.exists()
    assert link.is_symlink()
    assert list((store.root / "artifacts" / "demo_reviews").iterdir())


def _moved(kept: Kept, folder: Path) -> Store:
    """A copy of the store elsewhere, that may be altered."""
    copy = folder / "moved 100%" / "mlruns"
    shutil.copytree(kept.store.root, copy)
    return Store.open(copy)


def _all(kept: Kept) -> tuple[str, str, str]:
    return kept.classifier, kept.writer, kept.unexported


def _scored(run: RunFiles) -> tuple[pd.DataFrame, list[str]]:
    """What the export answered, and to which texts."""
    recorded = pd.read_parquet(run.path("export/predictions.parquet"))
    data = data_of_run(run, recorded_config(run), splits=("test",))
    order = np.sort(
        np.random.Generator(np.random.PCG64(0)).permutation(len(data.rows["test"].texts))[: len(recorded)]
    )
    return recorded, [data.rows["test"].texts[row] for row in order]
