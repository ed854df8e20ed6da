"""What is timed; the times themselves are the machine's."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from export.latency import latency_input, latency_tokens, measure_latency, repeats_for
from export.options import ExportConfig, ExportOptions, ScoringSet
from export.scoring import LoadedVariant
from export.tasks import EXPORT_TASKS
from export.variants import DEPLOYED
from host.cpu import instruction_set

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
