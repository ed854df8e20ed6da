"""A run explains a variant from the command line, and is exported as the explanation says."""

from __future__ import annotations

import json

import onnx
import pytest

from errors import UserError
from experiments.reproduction.reproduce import reproduce
from experiments.training.explaining import explained
from experiments.training.exporting import export_run
from experiments.training.origin import FromScratch
from experiments.training.train import train
from runs.files import RunFiles, run_named
from tests.processes import inside
from tests.tiny import ANY_EXPORT, small_classifier, small_writer
from tracking.store import Store

NODE = "/distilbert/transformer/layer.0/ffn/lin2/MatMul"


@pytest.fixture
def run(store: Store) -> RunFiles:
    return run_named(store, train(small_classifier(*ANY_EXPORT), store).run_id)


def _products(run: RunFiles, variant: str) -> set[str]:
    """The names of the products that are float32 in the run's variant."""
    graph = onnx.load(run.path(f"export/{variant}/model.onnx")).graph
    return {node.name for node in graph.node if node.op_type == "MatMul"}


@pytest.mark.slow
def test_explained_and_exported_with_a_node_left_in_float32(run: RunFiles) -> None:
    short, root = run.record.run_id[:8], run.store.root
    before = run.path("export/report.json").read_bytes()
    told = inside("export", short, "--explain", "int8", "--json", "--root", root)
    assert told.returncode == 0, told.stderr
    found = json.loads(told.stdout)
    assert found["as_recorded"] is True
    assert found["labels"] == ["negative", "positive"]
    report = json.loads(before)
    assert found["blame"]["as_it_is"]["accuracy"] == report["metrics"]["export/int8/accuracy"]
    assert NODE in {node["name"] for node in found["blame"]["nodes"]}
    assert run.path("export/report.json").read_bytes() == before  # nothing is written
    read = inside("export", short, "--explain", "int8", "--root", root)
    assert "with one node alone in float32" in read.stdout

    assert NODE not in _products(run, "int8")
    export_run(run, float32_nodes=[NODE], variants=["int8-rows"])
    assert NODE in _products(run, "int8-rows")
    export_run(run_named(run.store, run.record.run_id))  # what was left stays left
    assert NODE in _products(run, "int8")
    done = inside("export", short, "--float32", "none", "--root", root)
    assert done.returncode == 0, done.stderr
    assert NODE not in _products(run, "int8")


@pytest.mark.slow
def test_what_was_exported_otherwise_later_is_played_again_and_taken_over_so(
    run: RunFiles, store: Store
) -> None:
    run_id, again = run.record.run_id, FromScratch(reuse=True)
    assert train(small_classifier(*ANY_EXPORT), store, again).run_id == run_id
    export_run(run, variants=["int8-rows"])
    assert train(small_classifier(*ANY_EXPORT), store, again).run_id == run_id  # which has one variant more
    export_run(run_named(store, run_id), float32_nodes=[NODE], gate=0.5)
    run = run_named(store, run_id)
    assert explained(run, "int8").left == (NODE,)
    found = reproduce(run)
    assert found.comparison.verdict == "identical"
    assert found.causes == ()
    assert "export/int8-rows/model.onnx" in found.comparison.digests
    with_all = train(small_classifier(*ANY_EXPORT), store, again)  # which no longer has what is asked for
    assert with_all.run_id != run_id
    assert NODE not in _products(run_named(store, with_all.run_id), "int8")


@pytest.mark.slow
def test_what_cannot_be_explained_is_one_line(run: RunFiles, store: Store) -> None:
    story = run_named(store, train(small_writer("export.when=never"), store).run_id)
    with pytest.raises(UserError, match="--explain: there is no exported variant 'int2'"):
        explained(run, "int2")
    with pytest.raises(UserError, match="fp32 of a sequence-classification is not drawn node by node"):
        explained(run, "fp32")
    with pytest.raises(UserError, match="int8 of a causal-language-model is not drawn node by node"):
        explained(story, "int8")
    with pytest.raises(UserError, match="max_accuracy_drop"):
        explained(run, "int8", gate=2)
    with pytest.raises(UserError, match="leave no node in float32"):
        export_run(story, float32_nodes=["x"])
    with pytest.raises(UserError, match="'/no/such/node' is no product with weights"):
        export_run(run, float32_nodes=["/no/such/node"])
    short = run.record.run_id[:8]
    both = inside("export", short, "--explain", "int8", "--bundle", "x", "--root", store.root)
    assert both.returncode == 2
    assert both.stderr.strip() == "encore: --bundle, --explain: each does something else. Give one of them."
