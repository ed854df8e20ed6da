"""Official rows whose text a run was trained on or selected by: scored with them and without."""

from __future__ import annotations

import json
import math
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from datamodules.bundled.reviews import generate_reviews
from experiments.reproduction.reproduce import reproduce
from experiments.training.train import train
from runs.files import RunFiles, run_named
from runs.layout import RESULT_FILE, SEEN_FILE, predictions_file
from runs.outcome import read_outcome
from runs.verify import verify
from scoring.intervals import wilson_interval
from tests.tiny import small_classifier
from tracking.store import Store

COPIES = (3, 17, 41)


@pytest.fixture(scope="module")
def run(migrated: Path, tmp_path_factory: pytest.TempPathFactory) -> RunFiles:
    """Of a corpus three of whose official rows stand in train, one of them in capitals, one with the other label."""
    folder = tmp_path_factory.mktemp("shared")
    rows = generate_reviews(sizes={"train": 200, "validation": 60})
    told = {split: [(row["sentence"], row["label"]) for row in found] for split, found in rows.items()}
    for number, place in enumerate(COPIES):
        text, label = told["train"][50 * number]
        told["validation"][place] = (
            text.upper() if number == 1 else text,
            1 - label if number == 2 else label,
        )
    for split, found in told.items():
        lines = (json.dumps({"sentence": text, "label": label}) for text, label in found)
        (folder / f"{split}.jsonl").write_text("\n".join(lines) + "\n")
    root = folder / "mlruns"
    root.mkdir()
    shutil.copy(migrated, root / "mlflow.db")
    store = Store.open(root)
    asked = [f"data.path={folder}", "export.when=never", "data.train_examples=160", "train.max_steps=4"]
    return run_named(store, train(small_classifier(*asked), store).run_id)


def test_the_score_without_them_stands_beside_the_score(run: RunFiles) -> None:
    assert np.load(run.path(SEEN_FILE)).tolist() == list(COPIES)
    answers = pd.read_parquet(run.path(predictions_file("test"))).drop(index=list(COPIES))
    right = int((answers["label"] == answers["prediction"]).sum())
    low, high = wilson_interval(right, 57)
    metrics = read_outcome(run).metrics
    wanted = {
        "accuracy_unseen": right / 57,
        "accuracy_unseen_low": low,
        "accuracy_unseen_high": high,
        "unseen_rows": 57,
    }
    for name, value in wanted.items():
        assert math.isclose(metrics[f"test/{name}"], value, rel_tol=1e-12), name
        assert f"best/val/{name}" not in metrics
    assert "of the 57 rows whose text is not among its own" in run.record.tags["mlflow.note.content"]


@pytest.mark.slow
def test_it_is_played_again_and_recomputed(run: RunFiles) -> None:
    again = run_named(run.store, reproduce(run).run_id)
    assert again.record.tags["encore.verdict"] == "identical"
    checks = {found.what: found for found in verify(again)}
    assert checks["test/accuracy_unseen"].holds
    assert all(found.holds for found in checks.values())
    content = json.loads(again.path(RESULT_FILE).read_text())
    content["metrics"]["test/accuracy_unseen"] += 0.01
    again.path(RESULT_FILE).write_text(json.dumps(content))
    assert "test/accuracy_unseen" in {found.what for found in verify(again) if not found.holds}
