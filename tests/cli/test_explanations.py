"""How an explanation looks in a terminal."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from rich.console import Console

from cli.explanations import print_explanation
from experiments.training.explaining import Explanation
from export.blame import Blame, ChangedAnswer, NodeShare, Scored

AS_IT_IS = Scored((), 0.8, 2.0, 3, 3, 0, 0.1, 1.0, meets_gate=False)
BEST = replace(AS_IT_IS, float32=("/b", "/c"), drop_points=0.0, meets_gate=True)
NODES = (
    NodeShare("/b", 0.1, 0.5, 0, 0.1),
    NodeShare("/c", 0.1, 0.03125, 0, 0.1),
    NodeShare("/d", 0.1, -0.2, 0, 0.1),
)
CHANGED = (ChangedAnswer(7, label=0, base=1, ours=0, base_margin=0.25, margin=-0.5),)
BLAME = Blame("int8", 0.5, 100, 100, 1.0, AS_IT_IS, BEST, CHANGED, NODES)


def _printed(left: tuple[str, ...]) -> str:
    console = Console(width=400)
    with console.capture() as captured:
        print_explanation(
            console,
            Explanation(BLAME, {7: "dull"}, ("bad [x]", "good"), as_recorded=True, left=left),
            "0123abcd",
            Path("mlruns"),
        )
    return captured.get()


def test_the_command_names_the_nodes_that_stay_float32() -> None:
    assert "encore export 0123abcd --variants int8 --float32 /b,/c " in _printed(())


def test_those_that_the_run_leaves_already_are_among_them() -> None:
    told = _printed(("/a",))
    assert "With 2 more in float32" in told
    assert "encore export 0123abcd --variants int8 --float32 /a,/b,/c " in told


def test_what_a_graph_calls_its_nodes_is_nothing_to_a_shell() -> None:
    assert "--float32 '$(x),/b,/c' " in _printed(("$(x)",))


def test_a_bar_is_as_long_as_the_share_of_the_error_and_the_heading_says_what_a_full_one_is() -> None:
    told = _printed(())
    assert "a full bar would be no error left" in told
    bars = {
        line.split()[0]: line.count("█") for line in told.splitlines() if line.startswith("/") and "%" in line
    }
    assert bars == {"/b": 10, "/c": 0, "/d": 0}
    assert "▋" in told  # 3.125 % of 20 characters are five eighths of one


def test_a_changed_answer_is_told_by_the_names_of_its_labels() -> None:
    lines = [line.strip() for line in _printed(()).splitlines()]
    head, row = (next(line for line in lines if line.startswith(start)) for start in ("row ", "7 "))
    assert "right answer" in head
    assert "lead in INT8" in head
    assert row.split() == ["7", "bad", "[x]", "good", "0.250", "bad", "[x]", "-0.500", "dull"]
