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
from host.progress import SILENT, working
from host.progress_lines import FIRST_S, ProgressLines
from host.terminal import Latest, TerminalReporter
from tests.reporters import KeptReporter


def console(*, terminal: bool, width: int = 120) -> Console:
    return Console(file=io.StringIO(), force_terminal=terminal, width=width, color_system=None)


def written(to: Console) -> str:
    assert isinstance(to.file, io.StringIO)
    return to.file.getvalue()


def reporter(*, terminal: bool, width: int = 120) -> TerminalReporter:
    return TerminalReporter(console(terminal=terminal, width=width))


def test_a_terminal_sees_what_is_done_and_how_much_of_it() -> None:
    to = reporter(terminal=True)
    with to.progress() as on_progress:
        on_progress("reading", 0, 0)
        on_progress("counting", 30, 120)
        on_progress("counting", 120, 120)
    assert "reading" in written(to.console)
    assert "counting" in written(to.console)
    assert "120/120" in written(to.console)
    assert "0/?" not in written(to.console)  # of what nobody can say how much there is, nothing is counted


def test_a_validation_is_seen_while_it_lasts_and_training_goes_on_where_it_was() -> None:
    to = reporter(terminal=True)
    with to.progress() as on_progress:
        assert isinstance(on_progress, Latest)
        bars = on_progress.bars
        reached: Any = SimpleNamespace(
            global_step=30, num_val_batches=[2], callback_metrics={"val/loss": 0.5}
        )
        bar, module = TrainingBar(on_progress, "demo", 60, primary="val/loss"), cast(Any, None)
        bar.on_train_start(reached, module)
        for step in (30, 60):
            reached.global_step = step
            for batch in range(2):
                bar.on_validation_batch_end(reached, module, None, None, batch)
                shown = [
                    (task.description, task.completed, task.total) for task in bars.tasks if task.visible
                ]
                assert shown == [("demo: validating", batch + 1, 2)]
            bar.on_validation_end(reached, module)
            (task,) = (task for task in bars.tasks if task.visible)
            assert (task.description, task.completed, task.fields["figures"]) == (
                "demo",
                step,
                "val/loss 0.5000",
            )


def test_a_file_gets_no_line_of_validations_that_are_short() -> None:
    now = [0.0]
    to = console(terminal=False)
    lines = ProgressLines(to, get_time=lambda: now[0])
    on_progress = Latest(lines, narrow=False)
    for step in range(60):
        for batch in range(5):
            now[0] += 1.0
            on_progress("demo: validating", batch + 1, 5)
            lines.say_what_is_due()
        now[0] += 1.0
        on_progress("demo", step + 1, 60)
        lines.say_what_is_due()
    assert {line.partition(":")[0] for line in written(to).splitlines()} == {"demo"}
    assert "validating" not in written(to)


def test_a_file_gets_no_bars_and_nothing_of_what_is_soon_over() -> None:
    to = reporter(terminal=False)
    with to.progress() as on_progress:
        on_progress("counting", 1, 2)
    assert not written(to.console).strip()


def test_a_silent_reporter_takes_all_that_the_other_one_takes(capfd: pytest.CaptureFixture[str]) -> None:
    for to in (SILENT, reporter(terminal=False)):
        to.say("of two shards one is read", "warning")
        with to.progress() as on_progress:
            on_progress("counting", 1, 2, ["val/loss 0.1"])
        with working(to, "recomputing"):
            pass
    assert capfd.readouterr() == ("", "")


def test_a_sentence_is_printed_as_it_is(capfd: pytest.CaptureFixture[str]) -> None:
    for terminal in (True, False):
        to = reporter(terminal=terminal, width=20)
        to.say("[red]a name[/red]\x1b[2J of more than twenty characters", "warning")
        assert written(to.console) == "[red]a name[/red]\\x1b[2J of more than twenty characters\n"


def test_what_a_bar_shows_is_said_in_a_log_alone() -> None:
    said = {terminal: reporter(terminal=terminal) for terminal in (True, False)}
    for to in said.values():
        to.say("run 0123abcd, 300 steps", "log")
    assert not written(said[True].console)
    assert written(said[False].console) == "run 0123abcd, 300 steps\n"


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
    to = reporter(terminal=False)
    said = threading.Event()
    monkeypatch.setattr(to.console, "print", lambda *_, **__: said.set())
    with working(to, "recomputing"):
        assert said.wait(60)
    assert "progress" not in [thread.name for thread in threading.enumerate()]


def test_a_file_gets_a_line_of_training_with_its_scores() -> None:
    to = console(terminal=False)
    lines = ProgressLines(to)
    bar = TrainingBar(
        Latest(lines, narrow=False), "demo, trial 0 (0 of 2 done)", 1200, primary="val/accuracy"
    )
    reached: Any = SimpleNamespace(global_step=0, callback_metrics={"val/accuracy": 0.9, "val/a": 1.0})
    bar.on_train_start(reached, cast(Any, None))
    reached.global_step = 300
    bar.on_validation_end(reached, cast(Any, None))
    lines.get_time = lambda: lines.tasks[0].start_time + FIRST_S  # type: ignore[operator]
    lines.say_what_is_due()
    assert written(to).startswith("demo, trial 0 (0 of 2 done): 300 of 1,200")
    assert written(to).endswith("val/accuracy 0.9000  val/a 1.0000\n")


@pytest.mark.parametrize(
    ("width", "scores"),
    [
        (70, "val/bits_per_byte 0.8123"),
        (80, "val/bits_per_byte 0.8123"),
        (120, "val/bits_per_byte 0.8123  val/loss 2.1000"),
    ],
)
def test_the_numbers_of_training_stay_whole_on_a_narrow_terminal(width: int, scores: str) -> None:
    to = reporter(terminal=True, width=width)
    module: Any = None
    with to.progress() as on_progress:
        assert isinstance(on_progress, Latest)
        on_progress.bars.get_time = lambda: reached.global_step / 15  # seconds
        bar = TrainingBar(on_progress, "tinystories_small", 1200, primary="val/bits_per_byte")
        # Gone on with: the steps of the first process are no part of the rate.
        reached: Any = SimpleNamespace(
            global_step=600, callback_metrics={"val/bits_per_byte": 0.8123, "val/loss": 2.1}
        )
        bar.on_train_start(reached, module)
        for _ in range(2):
            reached.global_step += 150
            bar.on_validation_end(reached, module)
        on_progress.bars.refresh()
        last = next(
            line for line in reversed(written(to.console).splitlines()) if "tinystories_small" in line
        )
    assert " 900/1200 15.0/s 0:00:20 " in " ".join(last.split())
    assert last.rstrip().endswith(scores)


def test_the_set_up_of_data_tells_every_row_that_it_tokenizes(tmp_path: Path) -> None:
    first = KeptReporter()
    config = load_experiment("demo_reviews", [])
    data = build_data(config, cache_dir=tmp_path, reporter=first)
    assert first.told[0] == ("reading the data", 0, 0)
    finished = [told for told in first.told if told[0] == "tokenizing" and told[1] == told[2]]
    assert [told[1] for told in finished] == [
        len(data.rows[split].texts) for split in ("train", "val", "test")
    ]
    again = KeptReporter()
    build_data(config, cache_dir=tmp_path, reporter=again)
    assert [what for what, _, _ in again.told] == ["reading the data"]
