from __future__ import annotations

import io
import threading
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from rich.console import Console

from experiments.build import build_data
from experiments.loading import load_experiment
from experiments.training.callbacks import TrainingBar
from host.progress_lines import FIRST_S, ProgressLines
from host.terminal import reported, working


def console(*, terminal: bool, width: int = 120) -> Console:
    return Console(file=io.StringIO(), force_terminal=terminal, width=width, color_system=None)


def written(to: Console) -> str:
    assert isinstance(to.file, io.StringIO)
    return to.file.getvalue()


def test_a_terminal_sees_what_is_done_and_how_much_of_it() -> None:
    to = console(terminal=True)
    with reported(to) as report:
        report("reading", 0, 0)
        report("counting", 30, 120)
        report("counting", 120, 120)
    assert "reading" in written(to)
    assert "counting" in written(to)
    assert "120/120" in written(to)


@pytest.mark.parametrize("to", [console(terminal=False), None])
def test_a_file_gets_no_bars_and_nothing_of_what_is_soon_over(to: Console | None) -> None:
    with reported(to) as report:
        report("counting", 1, 2)
    assert to is None or not written(to).strip()


def test_a_file_gets_a_line_of_what_lasts_and_few_of_them() -> None:
    now = [0.0]
    to = console(terminal=False, width=40)
    lines = ProgressLines(to, get_time=lambda: now[0])
    reading = lines.add_task("reading the data", total=None)
    for second in range(45):
        now[0] = float(second)
        lines.say_what_is_due()
    lines.update(reading, visible=False)
    counting = lines.add_task("tokenizing", total=67_349)
    began = now[0]
    for second in range(100):
        now[0] = began + second
        lines.update(counting, completed=200 * second)
        lines.say_what_is_due()
    lines.update(counting, completed=67_349)
    now[0] += 1_000
    lines.say_what_is_due()
    assert written(to).splitlines() == [
        "reading the data: for 0m 10s",
        "reading the data: for 0m 40s",
        "tokenizing: 2,000 of 67,349, 200.0/s, 5m 27s to go",
        "tokenizing: 8,000 of 67,349, 200.0/s, 4m 57s to go",
        "tokenizing: 14,000 of 67,349, 200.0/s, 4m 27s to go",
    ]


def test_the_lines_come_by_themselves_and_end_with_the_work(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("host.progress_lines.FIRST_S", 0.0)
    monkeypatch.setattr("host.progress_lines._LOOK_S", 0.01)
    to = console(terminal=False)
    said = threading.Event()
    monkeypatch.setattr(to, "print", lambda *_, **__: said.set())
    with working(to, "recomputing"):
        assert said.wait(60)
    assert "progress" not in [thread.name for thread in threading.enumerate()]


def test_a_file_gets_a_line_of_training_with_its_scores() -> None:
    to = console(terminal=False)
    bar = TrainingBar(to, "demo, trial 0 (0 of 2 done)", 1200, primary="val/accuracy")
    assert isinstance(bar.progress, ProgressLines)
    reached: Any = SimpleNamespace(global_step=300, callback_metrics={"val/accuracy": 0.9})
    bar.on_validation_end(reached, cast(Any, None))
    bar.progress.get_time = lambda: bar.progress.tasks[0].start_time + FIRST_S  # type: ignore[operator]
    bar.progress.say_what_is_due()
    assert written(to).startswith("demo, trial 0 (0 of 2 done): 300 of 1,200")
    assert written(to).endswith("val/accuracy 0.9000\n")


@pytest.mark.parametrize(
    ("width", "scores"),
    [
        (70, "val/bits_per_byte 0.8123"),
        (80, "val/bits_per_byte 0.8123"),
        (120, "val/bits_per_byte 0.8123  val/loss 2.1000"),
    ],
)
def test_the_numbers_of_training_stay_whole_on_a_narrow_terminal(width: int, scores: str) -> None:
    to = console(terminal=True, width=width)
    bar = TrainingBar(to, "tinystories_small", 1200, primary="val/bits_per_byte")
    reached: Any = SimpleNamespace(
        global_step=0, callback_metrics={"val/bits_per_byte": 0.8123, "val/loss": 2.1}
    )
    module: Any = None
    bar.on_train_start(reached, module)
    bar.progress.get_time = lambda: reached.global_step / 15  # seconds
    bar.progress.reset(bar.task)
    for _ in range(2):
        reached.global_step += 150
        bar.on_validation_end(reached, module)
    bar.progress.refresh()
    last = next(line for line in reversed(written(to).splitlines()) if "tinystories_small" in line)
    bar.teardown(reached, module, "fit")
    assert " 300/1200 15.0/s 0:01:00 " in " ".join(last.split())
    assert last.rstrip().endswith(scores)


def test_the_set_up_of_data_tells_every_row_that_it_tokenizes(tmp_path: Path) -> None:
    said: list[tuple[str, int, int]] = []
    config = load_experiment("demo_reviews", [])
    data = build_data(config, cache_dir=tmp_path, on_progress=lambda *told: said.append(told))
    assert said[0] == ("reading the data", 0, 0)
    finished = [told for told in said if told[0] == "tokenizing" and told[1] == told[2]]
    assert [told[1] for told in finished] == [
        len(data.rows[split].texts) for split in ("train", "val", "test")
    ]
    again: list[tuple[str, int, int]] = []
    build_data(config, cache_dir=tmp_path, on_progress=lambda *told: again.append(told))
    assert [what for what, _, _ in again] == ["reading the data"]
