"""Recomputing a finished run from its artifacts finds whatever was altered, and names the file."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from experiments.loading import load_experiment
from experiments.reproduction.diff import diff_runs
from experiments.training.train import train
from runs.files import RunFiles
from runs.verify import verify
from tests.tiny import REPEATED_CLASSIFIER, REPEATED_LANGUAGE, repeated_classifier
from tracking.entities import RunRecord
from tracking.store import Store


@pytest.fixture(scope="module")
def made(migrated: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str, str]:
    """A store with a finished classifier and a finished language model."""
    folder = tmp_path_factory.mktemp("verified") / "mlruns"
    folder.mkdir()
    shutil.copy(migrated, folder / "mlflow.db")
    store = Store.open(folder)
    keeping = [*REPEATED_CLASSIFIER, "train.keep_checkpoint_every_steps=7"]
    first = train(load_experiment("demo_reviews", keeping), store)
    long = "word " * 1500 + "end"  # more than a param holds
    second = train(load_experiment("demo_stories", [*REPEATED_LANGUAGE, f"description={long}"]), store)
    return folder, first.run_id, second.run_id


@pytest.fixture
def copied(made: tuple[Path, str, str], tmp_path: Path) -> tuple[Store, RunRecord, RunRecord]:
    """A copy of it that a test may alter."""
    shutil.copytree(made[0], tmp_path / "mlruns")
    store = Store.open(tmp_path / "mlruns")
    return store, store.find(made[1]), store.find(made[2])


def test_whole_runs_hold(copied: tuple[Store, RunRecord, RunRecord]) -> None:
    store, classified, told = copied
    for run, scores in (
        (classified, {"test/accuracy", "test/f1", "best/val/loss", "export/int8/accuracy"}),
        (told, {"test/perplexity", "test/loss", "best/val/perplexity"}),
    ):
        checks = verify(RunFiles(store, run))
        assert [check for check in checks if not check.holds] == []
        names = {check.what for check in checks}
        assert scores | {"weights/best", "weights/last", "optimiser", "predictions/test", "params"} <= names
        assert {"export/fp32/model.onnx", "export/int8/model.onnx"} <= names


def _flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[-100] ^= 1
    path.unlink()
    path.write_bytes(content)


def _better(path: Path) -> None:
    """One wrong answer becomes a right one."""
    frame = pd.read_parquet(path)
    wrong = frame.index[frame["prediction"] != frame["label"]][0]
    frame.loc[wrong, "prediction"] = frame.loc[wrong, "label"]
    frame.to_parquet(path, index=False)


def _claim(path: Path) -> None:
    result = json.loads(path.read_text())
    result["metrics"]["test/accuracy"] = 0.999
    path.write_text(json.dumps(result))


@pytest.mark.parametrize(
    ("file", "alter", "named"),
    [
        ("checkpoints/best.safetensors", _flip, {"weights/best", "file"}),
        ("checkpoints/last.safetensors", Path.unlink, {"weights/last", "weights/best", "optimiser", "file"}),
        ("export/int8/model.onnx", _flip, {"export/int8/model.onnx", "file"}),
        ("predictions/test/predictions.parquet", _better, {"file", "predictions/test", "test/accuracy",
         "test/f1", "test/accuracy_low", "test/accuracy_high", "test/matthews_correlation"}),
        ("predictions/val/predictions.parquet", lambda path: path.write_bytes(b"PAR1"), {"predictions/val", "file"}),
        ("run/result.json", _claim, {"test/accuracy", "record", "file"}),
        ("model/model.safetensors", _flip, {"model/model.safetensors", "file"}),
        ("export/predictions.parquet", lambda path: path.write_bytes(b"PAR1"), {"export's answers", "file"}),
        ("run/working_tree.patch", lambda path: path.write_text("diff --git"), {"file"}),
        ("run/provenance.json", _flip, {"record", "file"}),
        ("checkpoints/best.ckpt", lambda path: path.write_bytes(b"PK"), {"file"}),
        ("checkpoints/step-7.ckpt", Path.unlink, {"file"}),
        ("model/tokenizer.json", _flip, {"file"}),
        ("model/config.json", Path.unlink, {"file"}),
        ("run/manifest.json", lambda path: path.write_text("{}"), {"files"}),
        ("run/manifest.json", Path.unlink, {"files"}),
        ("export/report.json", Path.unlink, {"file"}),
        ("export/int8/tokenizer.json", _flip, {"file"}),
        ("export", shutil.rmtree, {"file"}),
        ("run/rows/train.npy", _flip, {"file"}),
    ],
)  # fmt: skip
def test_what_was_altered_is_named(
    copied: tuple[Store, RunRecord, RunRecord], file: str, alter: Callable[[Path], object], named: set[str]
) -> None:
    store, run, _ = copied
    alter(store.artifact(run, file))
    assert {check.what for check in verify(RunFiles(store, run)) if not check.holds} == named


def test_a_result_that_is_gone_is_named(copied: tuple[Store, RunRecord, RunRecord]) -> None:
    store, run, _ = copied
    store.artifact(run, "run/result.json").unlink()
    broken = {(check.what, check.file) for check in verify(RunFiles(store, run)) if not check.holds}
    assert broken == {(what, "run/result.json") for what in ("file", "record", "outcome")}


def test_two_runs_differ_in_what_was_set_and_in_what_came_out(
    copied: tuple[Store, RunRecord, RunRecord],
) -> None:
    store, run, _ = copied
    other = store.find(
        train(repeated_classifier("optim.learning_rate=0.01", "export.when=never"), store).run_id
    )
    causes, comparison = diff_runs(RunFiles(store, run), RunFiles(store, other))
    assert {cause.name for cause in causes} == {"optim.learning_rate"}
    assert comparison is not None
    assert comparison.verdict == "different"
    assert comparison.first_difference is not None
    assert (comparison.first_difference.step, comparison.first_difference.metric) == (
        1,
        "train/learning_rate",
    )
    assert diff_runs(RunFiles(store, run), RunFiles(store, run))[0] == []
