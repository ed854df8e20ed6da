"""The GPU's benchmark, small and on a CPU: the same code; and what its figures rest on."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from benchmarks.gpu.cases import Plan
from benchmarks.gpu.flops import flops_of_rows, peak_flops
from benchmarks.gpu.results import Budget, Results
from benchmarks.gpu.tables import speeds

REPOSITORY = Path(__file__).parents[2]


@pytest.mark.slow
def test_the_whole_of_it_runs_small_on_a_cpu(tmp_path: Path) -> None:
    command = ["gpu", "--device", "cpu", "--tiny", "--lanes", "2", "--out", str(tmp_path)]
    process = subprocess.run(
        [sys.executable, "-m", "benchmarks", *command],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
    )
    assert process.returncode == 0, process.stderr
    entries = json.loads((tmp_path / "results.json").read_text())["entries"]
    assert [entry for entry in entries if entry["state"] != "done"] == []
    cases = {str(case) for case in Plan("cpu", True, None).cases()}
    found = {what: [e for e in entries if e["step"] == what] for what in {e["step"] for e in entries}}
    for what in ("train", "reproduce", "kill, resume", "verify", "verify the resumed run", "export"):
        assert {entry["case"] for entry in found[what]} == cases
    assert {entry["verdict"] for entry in [*found["reproduce"], *found["kill, resume"]]} == {"identical"}
    assert all(entry["killed"] and entry["goes_on_after_step"] > 0 for entry in found["kill, resume"])
    assert all(entry["holds"] for entry in [*found["verify"], *found["verify the resumed run"]])
    assert len(found["speed"]) == 4 * len(cases)
    assert all(entry["examples_per_s"] > 0 for entry in found["speed"])
    assert "16-mixed is left out" in process.stdout


def test_a_step_that_fails_or_has_no_time_stops_no_other_and_is_named(tmp_path: Path) -> None:
    def fails() -> dict[str, object]:
        raise ValueError("the reason")

    results = Results(tmp_path, Budget(1), {"machine": "this"})
    assert results.step("case", "first", fails, needs_s=1) is None
    assert results.step("case", "second", lambda: {"found": 3}, needs_s=1, side="(a)") is not None
    assert results.step("case", "third", lambda: {"found": 4}, needs_s=90) is None
    written = json.loads((tmp_path / "results.json").read_text())
    first, second, third = written["entries"]
    assert (first["state"], first["why"]) == ("failed", "ValueError: the reason")
    assert "in fails" in first["traceback"]
    assert (second["state"], second["found"], second["side"]) == ("done", 3, "(a)")
    assert third["state"] == "skipped"
    assert "needs about 90 s" in third["why"]


def test_ratios_are_medians_over_the_rounds_that_both_sides_have(tmp_path: Path) -> None:
    results = Results(tmp_path, Budget(1), {})
    for number, ours, theirs in ((1, 30.0, 10.0), (2, 20.0, 20.0), (3, 40.0, 20.0)):
        for side, rate in (("(a) Encore", ours), ("(d) Trainer", theirs)):
            found = {"examples_per_s": rate, "tokens_per_s": 2 * rate, "peak_memory_mib": None}
            results.step("case", "speed", lambda found=found: found, needs_s=0, side=side, round=number)  # type: ignore[misc]
    results.step(
        "case", "speed", lambda: {"examples_per_s": 1.0, "tokens_per_s": 2.0, "peak_memory_mib": None},
        needs_s=0, side="(d) Trainer", round=4,
    )  # fmt: skip
    by_side = {entry["side"]: entry for entry in speeds(results)}
    assert by_side["(a) Encore"]["examples_per_s"] == 30.0
    assert by_side["(d) Trainer"]["examples_per_s"] == 15.0
    assert by_side["(d) Trainer"]["encore_over_it"] == 2.0


def test_operations_are_those_that_a_profiler_counts() -> None:
    """Of the forward pass torch counts the products; forward and backward are three of them."""
    import torch
    from torch.utils.flop_counter import FlopCounterMode
    from transformers import (
        DistilBertConfig,
        DistilBertForSequenceClassification,
        GPT2Config,
        GPT2LMHeadModel,
    )

    gpt2 = GPT2Config(n_layer=2, n_embd=24, n_head=2, vocab_size=90, n_positions=20)
    bert = DistilBertConfig(
        n_layers=2, dim=24, n_heads=2, hidden_dim=40, vocab_size=90, max_position_embeddings=20
    )
    models = [GPT2LMHeadModel._from_config(gpt2, attn_implementation="eager")]
    models += [DistilBertForSequenceClassification._from_config(bert, attn_implementation="eager")]
    for model in models:
        with FlopCounterMode(display=False) as counter:
            model(input_ids=torch.zeros((3, 16), dtype=torch.int64))
        assert flops_of_rows(model.config, np.full(3, 16)) == 3 * counter.get_total_flops()


def test_a_gpu_of_unknown_peak_has_no_share_of_it() -> None:
    found = peak_flops("NVIDIA H100 80GB HBM3", "bf16-mixed", "highest")
    assert found is not None
    assert found[0] == pytest.approx(989.4e12)
    full, reduced = (peak_flops("NVIDIA H200", "32-true", products) for products in ("highest", "high"))
    assert full is not None
    assert reduced is not None
    assert full[0] < reduced[0]
    assert peak_flops("NVIDIA H100 PCIe", "bf16-mixed", "highest") is None
    assert peak_flops("cpu", "bf16-mixed", "highest") is None
