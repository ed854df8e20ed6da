"""`encore diff`: columns, differences in units, and nothing compared that cannot be."""

from __future__ import annotations

import io
import re
import subprocess
import sys

from rich.console import Console

from cli.differences import _compared, print_causes
from cli.figures import points
from experiments.reproduction.verdict import AnswerDifference, Comparison, StepDifference
from runs.differences import Cause
from tests.runs.test_conditions import run

FOUND = Comparison(
    "different", {"weights/best": False, "optimiser": True}, 320, 960, StepDifference(1, "train/loss", 0.5, 0.25), 0.25,
    {"test/accuracy": (0.9, 0.8), "test/f1": (0.9, 0.8)}, {"test": AnswerDifference(1000, 0.9, 2.0)},
)  # fmt: skip


def lines(found: Comparison, causes: list[Cause], other: dict[str, float] | None = None) -> str:
    one = run(metrics={"test/accuracy": 0.9})
    return "\n".join(_compared(found, causes, one, run(metrics=other or {"test/accuracy": 0.8})))


def test_what_two_runs_of_one_task_and_the_same_rows_show() -> None:
    text = lines(FOUND, [])
    assert (
        "of the 320 steps that both went, step 1 is the first that differs (train/loss 0.5 and 0.25)" in text
    )
    assert "Files that differ: weights/best." in text
    assert "Files that are the same: optimiser." in text
    assert "Answers to the official split: 90.00 % of 1,000 are alike." in text
    assert "1 more figures differ" in text


def test_nothing_is_compared_across_tasks_or_rows() -> None:
    assert lines(FOUND, [], {"test/bits_per_byte": 0.5}) == (
        "They are of two tasks: their steps, files and answers are not compared."
    )
    text = lines(FOUND, [Cause("data", "train", "a", "b"), Cause("data", "test", "a", "b")])
    assert "They were trained on other rows: their steps are not compared." in text
    assert "Answers to the official split: of other rows, so they are not compared." in text
    assert "alike" not in text


def test_values_are_cut_to_the_width_and_differences_have_units() -> None:
    console = Console(file=io.StringIO(), width=80)
    assert isinstance(console.file, io.StringIO)
    print_causes(console, [Cause("data", "train", "f" * 64, None)], ("one", "other"))
    assert max(len(line) for line in console.file.getvalue().splitlines()) <= 80
    assert re.search(r"ffff…  none", console.file.getvalue())
    assert points("test/accuracy", -0.008) == "-0.80 points"
    assert points("export/int8/latency_b1_p50_ms", 1.5) == "+1.5 ms"
    assert points("test/loss", 0.0) == "0"


def test_it_loads_nothing_that_trains() -> None:
    code = "import sys, cli.differences, experiments.reproduction.diff\n"
    code += "print(sorted({'torch', 'mlflow'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
