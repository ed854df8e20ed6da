"""A form that is picked from the front is what the alias leads to: over HTTP and in MLflow."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest

from experiments.training.train import train
from export.options import scored_rows
from runs.files import run_named
from runs.verify import verify
from tests.processes import inside
from tests.serving.servers import serving
from tests.strangers import asked_of_models
from tests.tiny import ANY_EXPORT, small_classifier
from tracking.store import Store

pytestmark = pytest.mark.slow

FORMS = ["torch", "fp32", "int4"]  # not the one that is served where nobody says another


def test_the_smallest_form_is_picked_served_by_its_alias_and_loaded_by_mlflow(
    store: Store, tmp_path: Path
) -> None:
    variants = f"export.variants={json.dumps(FORMS[1:])}"
    run_id = train(small_classifier(*ANY_EXPORT, variants), store).run_id
    done = inside("pareto", run_id, "--pick", "smallest-within", "100", "--json", "--root", store.root)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert sorted(row["variant"] for row in found["forms"]) == sorted(FORMS)
    variant = "int4"
    assert found["pick"]["form"]["variant"] == variant
    run = run_named(Store.open(store.root), run_id)
    answers = pd.read_parquet(run.path("predictions/test/predictions.parquet"))
    exported = pd.read_parquet(run.path("export/predictions.parquet"))
    texts = list(answers["text"].iloc[scored_rows(len(answers), len(exported))])
    expected = list(exported[f"{variant}_prediction"].map({0: "negative", 1: "positive"}))
    with serving("demo_reviews@champion", "--root", store.root) as server:
        answered = [server.classify(text).json() for text in texts]
    assert {answer["variant"] for answer in answered} == {variant}
    assert [answer["label"] for answer in answered] == expected
    loaded = asked_of_models(store.uri, [("models:/demo_reviews@champion", texts, None)], tmp_path)
    assert [row["label"] for row in loaded["models:/demo_reviews@champion"]] == expected
    assert [check for check in verify(run) if not check.holds] == []
    with serving("demo_reviews@champion", "--variant", "fp32", "--root", store.root) as server:
        assert server.classify(texts[0]).json()["variant"] == "fp32"
    with serving("demo_reviews@champion", "--root", store.root) as server:
        assert server.process.stderr is not None
        assert "exported again" not in server.process.stderr.readline()
    node = "/distilbert/transformer/layer.0/ffn/lin2/MatMul"
    assert inside("export", run_id, "--float32", node, "--root", store.root).returncode == 0
    with serving("demo_reviews@champion", "--root", store.root) as server:
        assert server.process.stderr is not None
        assert "exported again since it was registered" in server.process.stderr.readline()
