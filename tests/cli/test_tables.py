from __future__ import annotations

import io
import re
import shlex
from pathlib import Path

import pytest
from rich.console import Console

from cli.console import PlainConsole
from cli.metric_tables import print_metrics
from cli.run_list import print_places
from cli.story_tables import print_sample, print_settings, print_story
from cli.sweep_tables import print_trial
from cli.tables import fitted
from export.latency_grid import SHAPES
from runs.result import RunResult
from runs.selection import Place
from sweeps.decoding.rows import MISSED, DecodingReport, SettingRow
from tracking.entities import Experiment, RunRecord
from tracking.store import Store

ROWS = [
    {"run": "12345678", "name": "an experiment with a name of some length", "status": "[green]finished[/]",
     "test": "92.50 %", "gate": "passed"},
    {"run": "abcdef01", "name": "short", "status": "[red]failed[/]", "test": "", "gate": ""},
]  # fmt: skip


@pytest.mark.parametrize("width", [60, 80, 120, 200])
def test_a_table_fits_the_terminal_and_keeps_what_counts_whole(width: int) -> None:
    console = Console(file=io.StringIO(), width=width)
    console.print(fitted(console, ROWS, spare=["gate"]))
    assert isinstance(console.file, io.StringIO)
    text = console.file.getvalue()
    assert max(len(line) for line in text.splitlines()) <= width
    for whole in ("12345678", "finished", "failed", "92.50 %"):
        assert whole in text
    assert len(text.splitlines()) == 3 + (width == 60)  # a line each, and one for what was left out
    assert ("passed" in text) == (width > 60)
    assert ("Left out at 60 columns: gate; --json has them." in text) == (width == 60)
    assert ("an experiment with a name of some length" in text) == (width > 60)  # else cut, and it shows


def test_a_story_in_a_file_is_what_was_written() -> None:
    story = "Tom ran [home] :heart: and " + "ran " * 60 + "home.  \n\nThe end."
    console = PlainConsole(file=io.StringIO(), width=40)
    print_story(console, "Tom", story, ended=True)
    assert isinstance(console.file, io.StringIO)
    assert console.file.getvalue() == f"{story}\n\n"


@pytest.mark.parametrize(
    ("metrics", "trial", "cells"),
    [
        ({"best/val/accuracy": 0.9, "best/val/loss": 0.3, "test/accuracy": 0.875, "export/int8/accuracy": 0.85},
         "held-out 90.00 %", ["90.00 %", "87.50 %", "85.00 %"]),
        ({"best/val/bits_per_byte": 0.756, "best/val/loss": 2.07, "test/bits_per_byte": 0.749, "test/loss": 2.05,
          "export/int8/loss": 2.052, "export/int8/loss_increase": 0.0019},
         "held-out 0.7560 bits per byte", ["0.7560", "0.7490", "+0.0019"]),
    ],
)  # fmt: skip
def test_runs_are_shown_by_the_score_that_selects_them(
    metrics: dict[str, float], trial: str, cells: list[str]
) -> None:
    console = Console(file=io.StringIO(), width=200)
    assert isinstance(console.file, io.StringIO)
    print_trial(
        console, "trial 0", RunResult("0123456789", "a run", "finished", 5, metrics, {"training": 5.0})
    )
    assert trial in console.file.getvalue()
    assert "trial 0" in console.file.getvalue()
    record = RunRecord("0123456789", "a run", "demo", "FINISHED", {}, metrics, {}, 0, 1, None, "")
    print_places(console, [Place(record, 0)], [])
    row = console.file.getvalue().splitlines()[-1]
    assert re.split("  +", row)[3:6] == cells


def test_a_row_for_each_split_and_each_variant_in_units() -> None:
    console = Console(file=io.StringIO(), width=80)
    assert isinstance(console.file, io.StringIO)
    metrics = {"test/accuracy": 0.9, "test/accuracy_low": 0.88, "test/accuracy_high": 0.92, "test/loss": 0.25,
               "best/val/accuracy": 0.91, "export/fp32/size_mib": 16.5, "export/int8/size_mib": 4.25,
               "export/int8/accuracy": 0.895, "export/fp32/accuracy": 0.9, "export/int8/changed_answers": 8.0,
               "export/foreign": 7.0, "export/gguf/loss": 3.0}  # fmt: skip
    print_metrics(console, metrics)
    rows = [re.split("  +", line.strip()) for line in console.file.getvalue().splitlines()]
    assert rows == [["split", "accuracy", "95 % interval", "loss"], ["held-out", "91.00 %"],
                    ["official", "90.00 %", "88.00 to 92.00 %", "0.25"],
                    ["variant", "accuracy", "changed from PyTorch", "MiB"], ["FP32", "90.00 %", "16.50"],
                    ["INT8", "89.50 %", "8", "4.25"]]  # fmt: skip
    print_metrics(console, metrics, whole=True)
    assert "export/gguf/loss 3.0" in console.file.getvalue()


def test_latencies_by_shape_fit_a_narrow_terminal() -> None:
    console = Console(file=io.StringIO(), width=80)
    assert isinstance(console.file, io.StringIO)
    metrics: dict[str, float] = {}
    for prefix in ("torch/latency", "torch/latency_medium", "int8/latency"):
        for number, shape in enumerate(SHAPES):
            metrics[f"export/{prefix}_{shape.key}_p50_ms"] = 10.25 * (number + 1)
            metrics[f"export/{prefix}_{shape.key}_examples_per_s"] = 1234.0
    metrics["export/int8/peak_memory_mib"] = 181.4
    print_metrics(console, {"export/int8/accuracy": 0.9, **metrics})
    lines = console.file.getvalue().splitlines()
    assert max(map(len, lines)) <= 80
    table = [
        re.split("  +", line.strip())
        for line in lines[lines.index("Median latency in ms, by rows x tokens of a call") + 1 :]
    ]
    medians = ["10.25", "20.50", "30.75", "41.00", "51.25", "61.50"]
    heads = ["variant", "1x16", "8x16", "32x16", "1x128", "8x128", "32x128", "32x16 /s", "peak MiB"]
    assert table == [heads, ["PyTorch", *medians, "1234"], ["PyTorch, medium", *medians, "1234"],
                     ["INT8", *medians, "1234", "181"]]  # fmt: skip


@pytest.mark.parametrize(("stage", "head"), [("search", "held-out"), ("official", "test")])
def test_settings_of_a_decoding_sweep_are_shown_by_their_coherent_stories(stage: str, head: str) -> None:
    console = Console(file=io.StringIO(), width=80)
    assert isinstance(console.file, io.StringIO)
    record = RunRecord("0123456789", "a setting", "demo", "FINISHED", {}, {"stories/coherent": 0.8},
                       {"encore.stage": stage}, 0, 1, None, "")  # fmt: skip
    print_places(console, [Place(record, 0)], [])
    heads, row = (re.split("  +", line.strip()) for line in console.file.getvalue().splitlines()[:2])
    assert dict(zip(heads, row, strict=True))[head] == "80.00 % coherent"


def test_the_settings_of_a_decoding_sweep_can_be_read_on_a_narrow_terminal() -> None:
    figures = {f"stories/{name}": 0.95 for name in ("coherent", "ended", "loops", "copied_13grams", "names_kept",
               "distinct_2", "perplexity", "words")}  # fmt: skip
    values = {"max_length": "300", "temperature": "1.09", "top_p": "0.814", "repetition_penalty": "1.02"}
    rows = [SettingRow(number, stage, f"{number}1234567", values, {**figures, MISSED: 1.0})
            for number, stage in ((0, "search"), (1, "search"), (0, "official"))]  # fmt: skip
    real = {name.removeprefix("stories/"): value for name, value in figures.items()}
    limits = {"min_ended": 0.9, "max_loops": 0.05, "max_copied": 0.02}
    report = DecodingReport("tiny", "abcdef0123", "9876543210", tuple(rows), rows[0], real, limits)
    console = Console(file=io.StringIO(), width=80)
    assert isinstance(console.file, io.StringIO)
    print_settings(console, report, Path("my runs"))
    text = console.file.getvalue()
    for whole in ("01234567", "official", "0.814", "1.02", "95.00 %", "No setting keeps all limits",
                  "encore runs --sweep abcdef01 --root 'my runs'", "at least 90% ended"):  # fmt: skip
        assert whole in text
    assert "…" not in text


@pytest.mark.slow
def test_hints_hold_whatever_a_prompt_or_a_folder_is_called(tmp_path: Path) -> None:
    store = Store.open(tmp_path / "runs [b]")
    log = store.start_run(
        experiment=Experiment("demo", "val/loss"), name="a run", params={}, tags={}, description=""
    )
    log.log_table({"step": [1], "prompt": ["Tom's [/b]sat"], "story": ["Tom's [/b]sat."], "ended": [True]},
                  "samples/stories.json")  # fmt: skip
    log.finish("FINISHED")
    console = Console(file=io.StringIO(), width=80)
    assert isinstance(console.file, io.StringIO)
    print_sample(console, store, RunResult(log.run_id, "a run", "finished", 1, {}), store.root)
    command = console.file.getvalue().rsplit("`", 2)[1]
    assert shlex.split(command)[3:] == ["--prompt", "Tom's [/b]sat", "--root", str(store.root)]
