"""The GPU's benchmark, small and on a CPU: the same code; and what its figures rest on."""

from __future__ import annotations

import argparse
import contextlib
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from benchmarks.gpu import command
from benchmarks.gpu.cases import Plan
from benchmarks.gpu.command import report
from benchmarks.gpu.flops import flops_of_rows, peak_flops
from benchmarks.gpu.results import Budget, Results
from benchmarks.gpu.speed import Clock
from benchmarks.gpu.tables import runs_table, speeds

REPOSITORY = Path(__file__).parents[2]


@pytest.mark.slow
def test_the_whole_of_it_runs_small_on_a_cpu(tmp_path: Path) -> None:
    given = ["gpu", "--device", "cpu", "--tiny", "--lanes", "2", "--out", str(tmp_path)]
    process = subprocess.run(
        [sys.executable, "-m", "benchmarks", *given],
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
    for what in (
        "train",
        "reproduce",
        "kill, resume",
        "verify",
        "verify the resumed run",
        "export",
        "verify the exported run",
    ):
        assert {entry["case"] for entry in found[what]} == cases
    assert {entry["verdict"] for entry in [*found["reproduce"], *found["kill, resume"]]} == {"identical"}
    assert all(entry["killed"] and entry["goes_on_after_step"] > 0 for entry in found["kill, resume"])
    verified = [entry for what in found if what.startswith("verify") for entry in found[what]]
    assert all(entry["holds"] for entry in verified)
    assert len(found["speed"]) == 5 + 4
    assert all(min(entry["examples_per_s"], entry["warm_up_examples_per_s"]) > 0 for entry in found["speed"])
    assert "16-mixed is left out" in process.stdout


def _fails() -> dict[str, object]:
    raise ValueError("the reason")


def test_a_step_that_fails_or_has_no_time_stops_no_other_and_is_named(tmp_path: Path) -> None:
    results = Results(tmp_path, Budget(1), {"machine": "this"})
    assert results.step("case", "first", _fails, needs_s=1) is None
    assert results.step("case", "second", lambda: {"found": 3}, needs_s=1, side="(a)") is not None
    assert results.step("case", "third", lambda: {"found": 4}, needs_s=90) is None
    written = json.loads((tmp_path / "results.json").read_text())
    first, second, third = written["entries"]
    assert (first["state"], first["why"]) == ("failed", "ValueError: the reason")
    assert "in _fails" in first["traceback"]
    assert (second["state"], second["found"], second["side"]) == ("done", 3, "(a)")
    assert third["state"] == "skipped"
    assert "needs about 90 s" in third["why"]


def test_a_command_that_the_end_of_the_time_interrupts_has_not_failed(tmp_path: Path) -> None:
    def sleeps() -> dict[str, object]:
        subprocess.run([sys.executable, "-c", "import time; time.sleep(60)"], timeout=0.6, check=True)
        return {}

    results = Results(tmp_path, Budget(1), {})
    assert results.step("case", "export", sleeps, needs_s=0) is None
    (entry,) = results.entries
    assert (entry["state"], entry["why"]) == ("skipped", "the time ended after 1 s of it")
    assert "| case | no time left |" in runs_table(results).replace("not begun | ", "")


@pytest.mark.parametrize("state", ["done", "skipped", "failed"])
def test_it_ends_with_1_only_where_a_step_failed(
    state: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def one_step(plan: Plan, results: Results, scratch: Path, *, lanes: int) -> None:
        del plan, scratch, lanes
        needs_s = 3600 if state == "skipped" else 0
        results.step("case", "a step", _fails if state == "failed" else dict, needs_s=needs_s)

    monkeypatch.setattr(command.runs, "measure", one_step)
    parser = argparse.ArgumentParser()
    parser.add_argument("--real-data", type=Path)
    command.add_options(parser)
    given = [
        "--real-data",
        str(tmp_path),
        "--device",
        "cpu",
        "--tiny",
        "--only",
        "runs",
        "--out",
        str(tmp_path),
    ]
    ends = pytest.raises(SystemExit, match=r"^1$") if state == "failed" else contextlib.nullcontext()
    with ends:
        command.measure(parser.parse_args(given))
    (entry,) = json.loads((tmp_path / "results.json").read_text())["entries"]
    assert entry["state"] == state


def _speed(rate: float) -> dict[str, object]:
    return {
        "examples_per_s": rate,
        "warm_up_examples_per_s": rate / 2,
        "tokens_per_s": 2 * rate,
        "peak_memory_mib": None,
    }


def test_ratios_are_medians_over_the_rounds_that_both_sides_have(tmp_path: Path) -> None:
    results = Results(tmp_path, Budget(1), {})
    for number, ours, theirs in ((1, 30.0, 10.0), (2, 20.0, 20.0), (3, 40.0, 20.0)):
        for side, rate in (("(a) Encore", ours), ("(d) Trainer", theirs)):
            found = _speed(rate)
            results.step("case", "speed", lambda found=found: found, needs_s=0, side=side, round=number)  # type: ignore[misc]
    results.step("case", "speed", lambda: _speed(1.0), needs_s=0, side="(d) Trainer", round=4)
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


def test_a_part_of_the_time_ends_before_the_whole() -> None:
    whole = Budget(10)
    assert 110 < whole.part(2).left_s() <= 120
    assert all(590 < whole.part(minutes).left_s() <= 600 for minutes in (30, None))


def test_the_warm_up_is_timed_apart_without_its_first_step(monkeypatch: pytest.MonkeyPatch) -> None:
    now = iter([10.0, 14.0, 15.0])  # ends of step 1, of the warm-up, of the whole
    monkeypatch.setattr(Clock, "_now", lambda _: next(now))
    clock = Clock("cpu", 3)
    for _ in range(5):
        clock.step(6)
    assert clock.rates() == (12.0, 3.0)


def test_what_had_no_time_is_one_line_of_the_report(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    results = Results(tmp_path, Budget(1), {"machine": "this", "gpu": None})
    for what, count in (("reproduce", 2), ("speed", 30)):
        for number in range(count):
            results.step("case", what, dict, needs_s=90, round=number)
    report(results)
    assert "No time was left for 32 steps: reproduce 2, speed 30." in capsys.readouterr().out.splitlines()
