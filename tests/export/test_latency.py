"""What is timed; the times themselves are the machine's."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from errors import RunError
from export.latency import call_times_ms, latency_input, latency_tokens, measure_latency, repeats_for
from export.latency_grid import SHAPES, Shape, measure_grid, possible_shapes
from export.options import ExportConfig, ExportOptions, ScoringSet
from export.peak_memory import peak_memories
from export.scoring import LoadedVariant
from export.tasks import EXPORT_TASKS
from export.variants import BY_NAME, DEPLOYED, ORIGINAL
from host.cpu import Cpu, instruction_set
from tests.export.conftest import Exported

SCORING = ScoringSet([[1, 2], [3, 4, 5, 6], [7] * 90], None, 0)


def test_the_input_has_the_median_length_unless_one_is_asked_for() -> None:
    long = ScoringSet([[1] * 50] * 3, None, 0)
    default, asked = ExportOptions(), ExportOptions(latency_tokens=40)
    assert latency_tokens(SCORING, EXPORT_TASKS["sequence-classification"], default) == 4
    assert latency_tokens(long, EXPORT_TASKS["sequence-classification"], default) == 50
    assert latency_tokens(long, EXPORT_TASKS["causal-language-model"], default) == 32
    assert latency_tokens(long, EXPORT_TASKS["causal-language-model"], asked) == 40


def test_the_input_is_read_off_the_texts() -> None:
    assert latency_input(SCORING, batch=2, tokens=3).tolist() == [[1, 2, 3], [4, 5, 6]]
    short = ScoringSet([[1, 2]], None, 0)
    assert latency_input(short, batch=2, tokens=3).tolist() == [[1, 2, 1], [2, 1, 2]]


def test_larger_batches_are_timed_less_often_but_never_less_than_five_times() -> None:
    assert (repeats_for(1, 50), repeats_for(32, 50), repeats_for(32, 10)) == (50, 10, 5)


def test_calls_are_made_at_the_stated_shape_and_threads() -> None:
    asked: list[tuple[tuple[int, ...], int]] = []

    def logits(ids_BL: NDArray[np.int64]) -> NDArray[np.float32]:
        asked.append((ids_BL.shape, torch.get_num_threads()))
        return np.zeros((len(ids_BL), 2), np.float32)

    before = torch.get_num_threads()
    options = ExportOptions(ExportConfig(threads=before + 1), latency_batches=(1, 3), latency_repeats=20)
    metrics, calls = measure_latency(
        [LoadedVariant(DEPLOYED, Path("model.onnx"), logits)], SCORING, tokens=7, options=options
    )
    assert torch.get_num_threads() == before
    assert set(asked) == {((1, 7), before + 1), ((3, 7), before + 1)}
    assert calls == {"export/int8/latency_b1_calls": "20", "export/int8/latency_b3_calls": "5"}
    assert sorted(metrics) == [
        f"export/int8/latency_b{batch}_{share}_ms" for batch in (1, 3) for share in ("p50", "p95", "p99")
    ]


@pytest.mark.parametrize(
    ("cpuinfo", "expected"),
    [
        ("processor\t: 0\nflags\t\t: fpu avx2 avx512f avx512_vnni\n", "avx512_vnni + avx512f + avx2"),
        ("flags\t\t: fpu avx2\n", "avx2 (no INT8 dot product)"),
        ("Features\t: fp asimd asimddp\n", "asimddp + asimd"),
    ],
)
def test_the_instruction_set_is_read_from_the_kernel(cpuinfo: str, expected: str, tmp_path: Path) -> None:
    (tmp_path / "cpuinfo").write_text(cpuinfo)
    assert instruction_set(tmp_path / "cpuinfo") == expected


def test_an_unknown_instruction_set_is_called_unknown(tmp_path: Path) -> None:
    assert instruction_set(tmp_path / "nothing").endswith("(instructions unknown)")


def test_a_call_is_made_until_there_are_enough_or_the_seconds_are_filled() -> None:
    quick = call_times_ms(lambda: None, most=7, fewest=2, seconds=60)
    assert len(quick) == 7
    filled = call_times_ms(lambda: time.sleep(0.01), most=50, fewest=3, seconds=0.008)
    assert len(filled) == 3
    once = call_times_ms(lambda: time.sleep(0.01), most=50, fewest=3, seconds=0.001)
    assert len(once) == 1
    assert once[0] >= 10


def test_shapes_that_a_model_cannot_take_are_told_with_the_reason() -> None:
    taken, skipped = possible_shapes(positions=64, logits_per_token=0)
    assert [shape.key for shape in taken] == ["b1_t16", "b8_t16", "b32_t16"]
    assert skipped == {
        f"export/latency_b{batch}_t128_skipped": "the model has 64 positions" for batch in (1, 8, 32)
    }
    taken, skipped = possible_shapes(positions=None, logits_per_token=50257)
    assert [shape.key for shape in taken] == ["b1_t16", "b8_t16", "b32_t16", "b1_t128", "b8_t128"]
    assert skipped == {"export/latency_b32_t128_skipped": "785 MiB of logits"}


@pytest.mark.parametrize("has_bfloat16", [True, False])
def test_every_shape_is_timed_and_torch_at_both_precisions(
    monkeypatch: pytest.MonkeyPatch, has_bfloat16: bool
) -> None:
    asked: list[tuple[tuple[int, ...], str]] = []

    def logits(ids_BL: NDArray[np.int64]) -> NDArray[np.float32]:
        asked.append((ids_BL.shape, torch.get_float32_matmul_precision()))
        return np.zeros((len(ids_BL), 2), np.float32)

    flags = frozenset({"avx512_bf16"} if has_bfloat16 else {"avx2"})
    monkeypatch.setattr("export.latency_grid.read_cpu", lambda: Cpu("a processor", flags))
    options = ExportOptions(ExportConfig(latency_seconds=0.001))
    variants = [LoadedVariant(variant, Path("model.onnx"), logits) for variant in (ORIGINAL, DEPLOYED)]
    grid = measure_grid(variants, SCORING, SHAPES, options=options)
    shapes = {(shape.batch, shape.tokens) for shape in SHAPES}
    assert {shape for shape, _ in asked} == shapes == {(b, t) for b in (1, 8, 32) for t in (16, 128)}
    assert {precision for _, precision in asked} == ({"highest", "medium"} if has_bfloat16 else {"highest"})
    assert torch.get_float32_matmul_precision() == "highest"
    figures = ("p50_ms", "p95_ms", "p99_ms", "examples_per_s")
    names = {f"export/{name}/latency_{shape.key}_{figure}" for name in ("torch", "int8") for shape in SHAPES
             for figure in figures}  # fmt: skip
    medium = {name.replace("latency_", "latency_medium_") for name in names if "torch" in name}
    assert grid.metrics.keys() == names | (medium if has_bfloat16 else set())
    one = f"export/int8/latency_{SHAPES[1].key}"
    assert 0 < grid.metrics[f"{one}_p50_ms"] <= grid.metrics[f"{one}_p99_ms"]
    assert grid.params["export/int8/latency_calls"].startswith("1x16 ")
    assert ("export/torch/latency_medium_skipped" in grid.params) != has_bfloat16


def test_the_peak_memory_is_of_a_process_that_made_the_call(exported_classifier: Exported) -> None:
    variants = [
        LoadedVariant(BY_NAME[name], exported_classifier.out_dir / name / "model.onnx", lambda ids_BL: ids_BL)  # pyright: ignore[reportArgumentType]
        for name in ("fp32", "int8")
    ]
    small = peak_memories(variants, Shape(1, 2), options=ExportOptions())
    assert small.keys() == {"export/fp32/peak_memory_mib", "export/int8/peak_memory_mib"}
    large = peak_memories(variants[:1], Shape(2048, 16), options=ExportOptions())
    added = large["export/fp32/peak_memory_mib"] - small["export/fp32/peak_memory_mib"]
    assert 8 < added < 2000  # 2,048 rows of 16 tokens of 64 floats are 8 MiB at each step
    gone = [LoadedVariant(DEPLOYED, Path("nowhere/model.onnx"), variants[0].logits)]
    with pytest.raises(RunError, match="its memory cannot be measured"):
        peak_memories(gone, Shape(1, 2), options=ExportOptions())
