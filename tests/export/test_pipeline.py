"""Whole exports of real models: what is written, and whether every figure is true."""

from __future__ import annotations

import json
import logging
import shutil
import socket
import warnings
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import onnx
import pandas as pd
import pytest
import torch
from transformers import AutoTokenizer

from export.options import ExportConfig
from export.pipeline import ExportOptions, ScoringSet, export_model
from export.session import OnnxModel
from lightning_modules.families import DISTILBERT, GPT2, Family
from scoring.paired import not_worse_by
from scoring.tasks import CLASSIFICATION
from tests.export.answers import predicted

if TYPE_CHECKING:
    from conftest import Exported

CLASSIFY = CLASSIFICATION


def test_each_variant_folder_serves_on_its_own(exported_classifier: Exported, tmp_path: Path) -> None:
    for name in ("fp32", "int8"):
        shutil.copytree(exported_classifier.out_dir / name, tmp_path / name)
        ids = AutoTokenizer.from_pretrained(tmp_path / name)("w1 w2 w3")["input_ids"]
        (logits,) = predicted(OnnxModel(tmp_path / name, threads=1), [ids])
        assert logits.shape == (2,)
        assert json.loads((tmp_path / name / "config.json").read_text())["model_type"] == "distilbert"


def test_the_files_hold_the_report(exported_classifier: Exported) -> None:
    report, out_dir = exported_classifier.report, exported_classifier.out_dir
    written = json.loads((out_dir / "report.json").read_text())
    assert written["metrics"] == report.metrics
    assert written["params"] == report.params
    assert written["passed"] is report.passed
    pd.testing.assert_frame_equal(pd.read_parquet(out_dir / "predictions.parquet"), report.predictions)
    assert not out_dir.with_name("out.partial").exists()


def test_every_metric_is_finite_and_every_variant_is_timed(exported_classifier: Exported) -> None:
    metrics = exported_classifier.report.metrics
    assert all(np.isfinite(value) for value in metrics.values())
    for variant in ("torch", "fp32", "int8"):
        for batch in (1, 4):
            p50, p95 = (metrics[f"export/{variant}/latency_b{batch}_p{share}_ms"] for share in (50, 95))
            assert 0 < p50 <= p95
    params = exported_classifier.report.params
    assert params["export/threads"] == "1"
    assert params["export/latency_tokens"] == str(
        int(np.median([len(t) for t in exported_classifier.scoring.input_ids]))
    )
    assert params["export/int8/latency_b4_calls"] == "5"


def test_sizes_are_those_of_the_files(exported_classifier: Exported) -> None:
    fp32, int8 = (
        (exported_classifier.out_dir / name / "model.onnx").stat().st_size for name in ("fp32", "int8")
    )
    metrics = exported_classifier.report.metrics
    assert metrics["export/fp32/size_mib"] == fp32 / 2**20
    assert metrics["export/int8/size_mib"] == int8 / 2**20
    assert metrics["export/int8/size_ratio"] == int8 / fp32


def test_parity_agrees_with_pytorch_asked_one_by_one(
    exported_classifier: Exported, one_by_one: Callable[..., list[torch.Tensor]]
) -> None:
    made = exported_classifier
    reference = torch.stack(one_by_one(made.model, list(made.scoring.input_ids))).numpy()
    for name, slack in (("fp32", 2e-5), ("int8", 2e-5)):
        ours = np.stack(predicted(OnnxModel(made.out_dir / name, threads=1), made.scoring.input_ids))
        difference = float(np.abs(ours - reference).max())
        changed = int((ours.argmax(1) != reference.argmax(1)).sum())
        assert made.report.metrics[f"export/{name}/max_logit_difference"] == pytest.approx(
            difference, abs=slack
        )
        assert made.report.metrics[f"export/{name}/changed_answers"] == changed
        assert made.report.metrics[f"export/{name}/equal_predictions"] == 1 - changed / len(reference)
    assert made.report.metrics["export/fp32/max_logit_difference"] < 1e-4
    assert made.report.metrics["export/int8/max_logit_difference"] > 1e-3  # it was quantized


def test_int8_is_scored_as_a_server_of_single_texts_answers(exported_classifier: Exported) -> None:
    made = exported_classifier
    model = OnnxModel(made.out_dir / "int8", threads=1)
    alone = np.concatenate([model.logits(np.array([ids])) for ids in made.scoring.input_ids])
    columns = made.report.predictions[["int8_logit_0", "int8_logit_1"]].to_numpy()
    np.testing.assert_array_equal(columns, alone)


def test_accuracies_follow_from_the_predictions(exported_classifier: Exported) -> None:
    frame, metrics = exported_classifier.report.predictions, exported_classifier.report.metrics
    np.testing.assert_array_equal(frame["label"], exported_classifier.scoring.labels)
    np.testing.assert_array_equal(frame["index"], range(len(frame)))
    assert metrics["export/torch/accuracy"] == 0.9  # the labels were made so
    right = {name: frame[f"{name}_prediction"] == frame["label"] for name in ("torch", "fp32", "int8")}
    for name in right:
        assert metrics[f"export/{name}/accuracy"] == right[name].mean()
    assert metrics["export/int8/answers_lost"] == (right["fp32"] & ~right["int8"]).sum()
    assert metrics["export/int8/answers_won"] == (~right["fp32"] & right["int8"]).sum()
    lost, won = (int(metrics[f"export/int8/answers_{way}"]) for way in ("lost", "won"))
    assert metrics["export/int8/limit_p_value"] == not_worse_by(lost, won, len(frame), 0.005)
    drop = metrics["export/fp32/accuracy"] - metrics["export/int8/accuracy"]
    assert metrics["export/int8/accuracy_drop_points"] == pytest.approx(100 * drop)


def test_language_model_loss_is_transformers_own(exported_language_model: Exported) -> None:
    made = exported_language_model
    total, count = 0.0, 0
    with torch.inference_mode():
        for ids in made.scoring.input_ids:
            batch = torch.tensor([ids])
            total += float(made.model(input_ids=batch, labels=batch).loss) * (len(ids) - 1)
            count += len(ids) - 1
    metrics = made.report.metrics
    assert metrics["export/torch/loss"] == pytest.approx(total / count, rel=1e-5)
    assert metrics["export/fp32/loss"] == pytest.approx(total / count, rel=1e-5)
    assert metrics["export/int8/perplexity"] == pytest.approx(np.exp(metrics["export/int8/loss"]))
    assert metrics["export/fp32/equal_predictions"] == 1.0
    assert metrics["export/int8/max_logit_difference"] > metrics["export/fp32/max_logit_difference"]
    frame = made.report.predictions
    assert (frame["torch_loss"] * frame["predicted_tokens"]).sum() / count == pytest.approx(total / count)
    assert (metrics["export/int8/limit_p_value"] < 0.05) == (made.report.verdict == "proved")


def test_language_model_parity_agrees_with_pytorch(
    exported_language_model: Exported, one_by_one: Callable[..., list[torch.Tensor]]
) -> None:
    made = exported_language_model
    reference = one_by_one(made.model, list(made.scoring.input_ids))
    ours = predicted(OnnxModel(made.out_dir / "int8", threads=1), made.scoring.input_ids)
    pairs = list(zip(ours, (row.numpy() for row in reference), strict=True))
    changed = sum(int((mine.argmax(1) != its.argmax(1)).sum()) for mine, its in pairs)
    metrics = made.report.metrics
    assert metrics["export/int8/changed_answers"] == changed
    assert metrics["export/int8/equal_predictions"] == 1 - changed / sum(len(mine) for mine in ours)
    largest = max(float(np.abs(mine - its).max()) for mine, its in pairs)
    assert metrics["export/int8/max_logit_difference"] == pytest.approx(largest, abs=1e-4)


def test_rows_of_every_language_variant_are_measured_to_depend_on_themselves_alone(
    exported_language_model: Exported,
) -> None:
    metrics = exported_language_model.report.metrics
    assert {metrics[f"export/{name}/batch_invariant"] for name in ("fp32", "int8")} == {1.0}


def test_the_tied_head_is_stored_once_in_eight_bits(exported_language_model: Exported) -> None:
    for name in ("fp32", "int8"):
        graph = onnx.load(exported_language_model.out_dir / name / "model.onnx").graph
        tables = [entry for entry in graph.initializer if np.prod(entry.dims) == 64 * 300]
        assert len(tables) == 1
    assert tables[0].data_type == onnx.TensorProto.UINT8
    readers = [node for node in graph.node if tables[0].name in node.input]
    assert [node.op_type for node in readers] == ["Reshape", "MatMulNBits"]  # the rows' lookup, the head


def test_weights_are_int8_and_products_of_activations_are_not(exported_classifier: Exported) -> None:
    graph = onnx.load(exported_classifier.out_dir / "int8" / "model.onnx").graph
    floats = [
        e
        for e in graph.initializer
        if e.data_type == onnx.TensorProto.FLOAT and min(e.dims[1:], default=1) > 1
    ]
    # Besides biases, scales and LayerNorm's vectors only the last product is left, of a column for each class.
    assert [sorted(e.dims) for e in floats] == [[2, 64]]
    operators = Counter(node.op_type for node in graph.node)
    assert operators["MatMul"] == 2 * 2  # q k and p v in two layers
    # q, k and v of a layer are one; with the output and the first of the feed-forward part, and the head's first
    assert operators["DynamicQuantizeMatMul"] == 2 * 3 + 1
    assert operators["MatMulIntegerToFloat"] == 2  # the second of the feed-forward part, token by token


def test_a_language_models_products_and_embeddings_are_all_int8(exported_language_model: Exported) -> None:
    graph = onnx.load(exported_language_model.out_dir / "int8" / "model.onnx").graph
    floats = [e for e in graph.initializer if e.data_type == onnx.TensorProto.FLOAT and len(e.dims) > 1]
    assert {e.name.rpartition(".")[2] for e in floats} == {"scales"}
    operators = [node.op_type for node in graph.node]
    assert (operators.count("MatMulNBits"), operators.count("GatherBlockQuantized")) == (2 * 4 + 1, 2)
    assert not {"MatMul", "Gemm"} & set(operators)
    bits = {a.i for node in graph.node for a in node.attribute if a.name == "bits"}
    assert bits == {8}


def test_a_missed_limit_is_told_after_everything_is_written(
    saved: Callable[..., Path], classification_set: ScoringSet, quick: ExportOptions, tmp_path: Path
) -> None:
    """Texts of a random model lie near its border, and INT8 loses more of them than the limit allows."""
    report = export_model(
        saved(lambda _: None), tmp_path / "out", family=DISTILBERT, scoring=classification_set, options=quick
    )
    assert not report.passed
    (sentence,) = report.failures
    assert sentence.startswith("INT8 accuracy is ")
    assert "points below FP32's 90.00 % (limit 0.50)" in sentence
    written = json.loads((tmp_path / "out" / "report.json").read_text())
    assert (written["failures"], written["verdict"]) == ([sentence], "failed")
    assert (tmp_path / "out" / "int8" / "model.onnx").is_file()


def test_absurd_limits_fail_with_both_sentences(exported_language_model: Exported, tmp_path: Path) -> None:
    made = exported_language_model
    # A limit that no config may have: whatever the variant's loss is, it is missed.
    asked = ExportConfig().model_copy(update={"max_loss_increase": -1.0, "latency_seconds": 0.0})
    options = ExportOptions(asked, latency_batches=(1,), latency_repeats=5, max_parity_difference=0.0)
    report = export_model(
        made.model_dir, tmp_path / "out", family=GPT2, scoring=made.scoring, options=options
    )
    assert [sentence.split(" ")[0] for sentence in report.failures] == ["The", "INT8"]
    assert "(limit -1.0000)" in report.failures[1]


@pytest.mark.parametrize(
    ("which", "family"),
    [("exported_classifier", DISTILBERT), ("exported_language_model", GPT2)],
)
def test_exporting_is_silent_offline_and_leaves_the_process_as_it_was(
    which: str,
    family: Family,
    request: pytest.FixtureRequest,
    quick: ExportOptions,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    made: Exported = request.getfixturevalue(which)
    asked: list[object] = []

    def refuse(*arguments: object, **_named: object) -> None:
        asked.append(arguments)
        raise OSError("no network in this test")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    handlers, filters = list(logging.getLogger().handlers), list(logging.getLogger().filters)
    torch.set_num_threads(2)
    said: list[tuple[str, int, int]] = []
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            export_model(
                made.model_dir,
                tmp_path / "out",
                family=family,
                scoring=made.scoring,
                options=quick,
                on_progress=lambda *told: said.append(told),
            )
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(1)
    assert asked == []
    assert capfd.readouterr() == ("", "")
    assert (logging.getLogger().handlers, logging.getLogger().filters) == (handlers, filters)
    assert ("scoring the variants", len(made.scoring.input_ids), len(made.scoring.input_ids)) in said


def test_exporting_again_replaces_the_earlier_export(
    exported_language_model: Exported, quick: ExportOptions, tmp_path: Path
) -> None:
    made = exported_language_model
    shutil.copytree(made.out_dir, tmp_path / "out")
    (tmp_path / "out" / "int8" / "left-over").touch()
    again = export_model(made.model_dir, tmp_path / "out", family=GPT2, scoring=made.scoring, options=quick)
    assert not (tmp_path / "out" / "int8" / "left-over").exists()
    timed = {name for name in again.metrics if "latency" in name}
    assert timed
    for name in again.metrics.keys() - timed:
        assert again.metrics[name] == made.report.metrics[name], name
