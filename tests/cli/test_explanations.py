"""How an explanation looks in a terminal."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from rich.console import Console

from cli.explanations import print_explanation
from experiments.training.explaining import Explanation
from export.blame import Blame, NodeShare, Scored

AS_IT_IS = Scored((), 0.8, 2.0, 3, 3, 0, 0.1, 1.0, meets_gate=False)
BEST = replace(AS_IT_IS, float32=("/b", "/c"), drop_points=0.0, meets_gate=True)
BLAME = Blame("int8", 0.5, 100, 100, 1.0, AS_IT_IS, BEST, (), (NodeShare("/b", 0.1, 0.5, 0, 0.1),))


def _printed(left: tuple[str, ...]) -> str:
    console = Console(width=400)
    with console.capture() as captured:
        print_explanation(
            console, Explanation(BLAME, {}, as_recorded=True, left=left), "0123abcd", Path("mlruns")
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
