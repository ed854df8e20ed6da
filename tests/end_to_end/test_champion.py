"""`models:/<experiment>@champion` answers as its run, wherever the store went and whoever asks."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from comparison.champion import challenge
from experiments.training.train import train
from export.options import scored_rows
from runs.files import RunFiles, run_named
from runs.verify import verify
from tests.overrides import latest
from tests.processes import inside
from tests.strangers import asked_of_models
from tests.tiny import ANY_EXPORT, CLASSIFIER, SHORT, repeated_classifier
from tracking.store import Store

pytestmark = pytest.mark.slow

CHAMPION = "models:/demo_reviews@champion"


def answered_as_its_run(uri: str, run: RunFiles, cwd: Path) -> None:
    """As the INT8 export did to the official rows that it was scored on."""
    answers = pd.read_parquet(run.path("predictions/test/predictions.parquet"))
    exported = pd.read_parquet(run.path("export/predictions.parquet"))
    texts = list(answers["text"].iloc[scored_rows(len(answers), len(exported))])
    found = asked_of_models(uri, [(CHAMPION, texts, None)], cwd)[CHAMPION]
    names = exported["int8_prediction"].map({0: "negative", 1: "positive"})
    assert [row["label"] for row in found] == list(names)


def test_a_trained_run_is_the_champion_and_stays_so_in_a_store_that_was_moved(
    root: Path, tmp_path: Path
) -> None:
    overrides = latest([*SHORT, *CLASSIFIER, *ANY_EXPORT, "train.max_steps=40"])
    done = inside("train", "demo_reviews", *overrides, "--json", "--root", root)
    assert done.returncode == 0, done.stderr
    run_id = json.loads(done.stdout)["run_id"]
    assert (
        f"The champion of demo_reviews is now run {run_id[:8]} (version 1): it is the first." in done.stderr
    )
    moved = tmp_path / "elsewhere" / "mlruns"
    moved.parent.mkdir()
    shutil.move(root, moved)
    store = Store.open(moved)
    run = run_named(store, run_id)
    answered_as_its_run(store.uri, run, tmp_path)
    assert [
        check for check in verify(run) if not check.holds
    ] == []  # what MLflow left there is not the model
    [code] = (moved / "artifacts").glob("demo_reviews/models/*/artifacts/served_model.py")
    code.write_text(code.read_text() + "print('somebody was here')\n")
    assert [check.what for check in verify(run) if not check.holds] == ["model in MLflow"]


def test_a_server_hands_the_champion_out(server: Any, tmp_path: Path) -> None:
    store = Store.open(tmp_path / "mlruns", server.uri)
    run = run_named(store, train(repeated_classifier("data.selection_seed=7"), store).run_id)
    assert challenge(run, by_hand=True).moved  # whoever else has trained on this server
    answered_as_its_run(server.uri, run, tmp_path)
    assert [check for check in verify(run) if not check.holds] == []
    assert not list((store.root / "journal").glob("*m-*"))  # what was sent is not kept here
