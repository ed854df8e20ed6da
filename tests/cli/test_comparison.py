"""`encore compare` and `encore best` as a user meets them."""

from __future__ import annotations

import csv
import io
import json
import re
import subprocess
import sys
from dataclasses import replace
from html import escape
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given, strategies
from markdown_it import MarkdownIt

from cli.comparison_tables import print_best, print_comparison
from cli.console import PlainConsole
from comparison.best import best_run
from comparison.compare_models import compare_models
from comparison.compare_recipes import compare_recipes
from comparison.tables import _markdown, comma_separated, latex, markdown
from tests.comparison.made_runs import Made, make, reviews, spoilt
from tests.processes import encore
from tracking.store import Store

ROWS = reviews(400)
RIGHT = np.random.default_rng(0).random(400) < 0.9
HEAVY = (
    "torch",
    "mlflow",
    "pandas",
    "transformers",
    "optuna",
    "datasets",
    "onnxruntime",
    "sklearn",
    "scipy.stats",
)


@pytest.fixture
def ids(store: Store) -> list[str]:
    """Two recipes of two seeds, the second three points better."""
    found = []
    for rate, lost, won in (("1e-5", 0, 0), ("1e-4", 2, 14)):
        for seed in (0, 1):
            right = spoilt(RIGHT, lost=lost + seed, won=won + seed)
            run = Made(right, seed=seed, settings={"optim.learning_rate": rate}, int8_right=right)
            found.append(make(store, ROWS, run))
    return found


def one_line(process: subprocess.CompletedProcess[str]) -> str:
    assert process.returncode == 2, process.stderr
    assert process.stdout == ""
    (line,) = process.stderr.strip().splitlines()
    return line


def test_a_comparison_imports_neither_torch_nor_mlflow(ids: list[str], root: Path) -> None:
    arguments = ["compare", ids[0], ids[2], "--all", "--root", str(root)]
    code = (
        f"import sys\nsys.argv = ['encore', *{arguments!r}]\nfrom cli.main import main\n"
        "try:\n    main()\nexcept SystemExit as end:\n    assert not end.code\n"
        f"print([name for name in {HEAVY!r} if name in sys.modules], file=sys.stderr)"
    )
    process = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert process.stderr.strip().splitlines()[-1] == "[]"


def test_json_and_csv_have_the_same_numbers(ids: list[str], root: Path) -> None:
    found = json.loads(encore("compare", *ids, "--root", root, "--json").stdout)
    rows = list(csv.DictReader(io.StringIO(encore("compare", *ids, "--root", root, "--csv").stdout)))
    assert len(rows) == len(found["sides"]) == 4
    for row, side in zip(rows, found["sides"], strict=True):
        score = side["score"]
        assert row["run"] == side["runs"][0]
        assert [float(row[key]) for key in ("accuracy", "low", "high")] == [
            score[key] for key in ("value", "low", "high")
        ]
        assert float(row["half_width"]) == (score["high"] - score["low"]) / 2
        assert row["tied"] == ("yes" if side["tied"] else "no")
        assert row["optim.learning_rate"] == side["differs"]["optim.learning_rate"]


def test_texts_of_a_csv_steer_no_terminal_and_no_spreadsheet(ids: list[str], store: Store) -> None:
    found = compare_models(store, ids)
    odd = replace(
        found.sides[0], name="=cmd|\x1b[31m\u202e", differs=dict.fromkeys(found.sides[0].differs, "\n=1+1")
    )
    lines = comma_separated(replace(found, sides=(odd, *found.sides[1:])))
    row = next(csv.DictReader(io.StringIO(lines)))
    assert row["name"] == r"'=cmd|\x1b[31m\u202e"
    assert row["optim.learning_rate"] == r"\n=1+1"
    assert all(char.isprintable() or char == "\n" for char in lines)


def test_markdown_and_latex_mark_the_best_and_what_ties(ids: list[str], store: Store) -> None:
    found = compare_models(store, ids)
    best, tied = found.best, [side for side in found.tied if side.rank > 1]
    assert tied
    for text, bold, dagger in ((markdown(found), "**", "†"), (latex(found), r"\textbf", r"$^\dagger$")):
        lines = {line.lstrip("| ")[:8]: line for line in text.splitlines()}
        assert bold in lines[best.label]
        assert all(dagger in lines[side.label] for side in tied)
        assert "±" in text or r"$\pm$" in text


def test_hostile_names_are_text_in_every_format(store: Store) -> None:
    value = "<script>alert(1)</script> | \\input{x} _b_ =1+1 \x1b[31m"
    runs = [
        Made(RIGHT, settings={"model.pretrained": value}),
        Made(RIGHT, settings={"model.pretrained": "=cmd"}),
    ]
    found = compare_models(store, [make(store, ROWS, run) for run in runs])
    assert "<script>" not in markdown(found)
    assert r"\input" not in latex(found)
    assert "\x1b" not in markdown(found) + latex(found)
    console = PlainConsole(width=170, file=io.StringIO(), force_terminal=False)
    print_comparison(console, found, Path("mlruns"))


def test_a_table_has_the_digits_of_the_terminals_and_plain_names(store: Store) -> None:
    rates = ("0.0005137802083581367", "0.002")
    runs = [
        Made(spoilt(RIGHT, lost=60 * number, won=0), settings={"optim.learning_rate": rate})
        for number, rate in enumerate(rates)
    ]
    found = compare_models(store, [make(store, ROWS, run) for run in runs])
    assert "| learning_rate |" in markdown(found)
    assert r"& learning\_rate &" in latex(found)
    assert "| &lt; 0.0001 |" in markdown(found)
    assert "& $<$ 0.0001 " in latex(found)
    for text in (markdown(found), latex(found)):
        assert " 0.000514 " in text
        assert rates[0] not in text


@given(strategies.text(alphabet=r"ab1 \`*_[]()<>#!|~&;:.-").map(str.strip).filter(bool))
@example(r"<b>_a_ __b__ a_b_ *c* ~~d~~ [e](f) ![g](h) [i][j] &lt; \\* `k` | <http://l>")
def test_a_setting_in_markdown_reads_as_it_was(value: str) -> None:
    page = MarkdownIt("commonmark").enable(["table", "strikethrough"])
    found = page.render(f"| head |\n| --- |\n| {_markdown(value)} |")
    assert re.findall("<td>(.*)</td>", found) == [escape(value, quote=False)]


@pytest.mark.parametrize("width", [80, 170])
def test_the_answer_fits_and_says_what_was_compared(ids: list[str], store: Store, width: int) -> None:
    out = io.StringIO()
    console = PlainConsole(width=width, file=out, force_terminal=False)
    print_comparison(console, compare_models(store, [ids[0], ids[2]]), Path("mlruns"))
    print_comparison(console, compare_models(store, ids), Path("mlruns"))
    print_comparison(console, compare_recipes(store, [ids[0], ids[2]]), Path("mlruns"))
    print_best(console, best_run(store, "sst2"), Path("mlruns"))
    text = out.getvalue()
    told = [line for line in text.splitlines() if "# " not in line]  # commands are pasted whole
    assert max(map(len, told)) <= width
    said = " ".join(text.split())
    for part in (
        "2 models by their answers to the same 400 rows of the official split of sst2",
        f"{ids[2][:8]} is better than {ids[0][:8]} on these 400 rows by 3.00 points",
        "2 recipes by 2 and 2 seeds",
        "four times in five",
        "runs of sst2 were scored on the official split",
        f"encore reproduce {ids[2][:8]}",
    ):
        assert part in said


@pytest.mark.slow
def test_the_noise_floor_that_seeds_show_is_printed_from_then_on(ids: list[str], root: Path) -> None:
    recipes = ("compare", ids[0], ids[2], "--of", "recipes", "--root", root)
    assert "Noise floor" in encore(*recipes, "--variant", "int8").stdout
    assert "Noise floor" not in encore("compare", ids[0], ids[2], "--root", root).stdout, (
        "that was the exports'"
    )
    assert "Noise floor" in encore("compare", ids[0], ids[2], "--of", "recipes", "--root", root).stdout
    assert "Noise floor" in encore("compare", ids[0], ids[1], "--root", root).stdout


@pytest.mark.slow
def test_mistakes_are_one_line(ids: list[str], store: Store, root: Path) -> None:
    pruned = make(store, ROWS, Made(RIGHT, status="KILLED", reason="pruned"))
    for arguments, said in (
        (["compare", ids[0]], "nothing to compare"),
        (["compare", ids[0], ids[0]], "is named twice"),
        (["compare", ids[0], pruned], "was pruned"),
        (["compare", ids[0], ids[1], "--margin", "-1"], "no margin"),
        (["compare", ids[0], ids[1], "--margin", "much"], "no decimal number"),
        (["compare", ids[0], ids[1], "--of", "recipe"], "Did you mean recipes?"),
        (["compare", ids[0], ids[1], "--of", "recipes"], "of one recipe"),
        (["compare", ids[0], ids[1], "--variant", "int2"], "is no variant"),
        (["compare", ids[0], ids[1], "--csv", "--json"], "several forms"),
        (["compare"], "Missing argument"),
        (["best", "sst3"], "Did you mean sst2?"),
    ):
        assert said in one_line(encore(*arguments, "--root", root)), arguments


def test_best_as_json_names_the_winner_and_its_ties(ids: list[str], root: Path) -> None:
    found = json.loads(encore("best", "sst2", "--root", root, "--json").stdout)
    assert found["run"] in ids
    assert found["run"] in found["tied"]
    assert found["comparison"]["schema"] == 1
