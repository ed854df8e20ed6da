"""The house keeps its measures: small functions and files, few parameters, no switch on what is a row of a table."""

from __future__ import annotations

import ast
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from encore_harness import HOME, ROOMS
from export.variants import BY_NAME
from scoring.tasks import TASKS

FILES = sorted(file for room in ROOMS for file in (HOME / room).rglob("*.py"))
MOST_LINES_OF_A_FILE, MOST_LINES_OF_A_FUNCTION, MOST_PARAMETERS = 300, 40, 8
MODEL_KINDS, DATA_KINDS = (
    {"distilbert", "gpt2", "lstm", "linear"},
    {"sst2", "imdb", "demo_reviews", "tinystories", "demo_stories"},
)
ROWS = (
    {task.name for task in TASKS} | {task.metric for task in TASKS} | set(BY_NAME) | MODEL_KINDS | DATA_KINDS
)
CONFIGS = {
    "TextClassificationConfig",
    "StoriesConfig",
    "DistilBertModelConfig",
    "Gpt2ModelConfig",
    "LstmModelConfig",
    "LinearModelConfig",
}
# Where a kind is told from another by hand, and why.
SWITCHES = {
    (
        "experiments/build.py",
        "DistilBertModelConfig",
    ): "the one place that knows which class belongs to which kind",
    ("experiments/build.py", "Gpt2ModelConfig"): "likewise",
    ("experiments/build.py", "LstmModelConfig"): "likewise",
    ("experiments/build.py", "LinearModelConfig"): "likewise",
    ("datamodules/tokenizers.py", "distilbert"): "a tokenizer's class by the kind that its folder names",
    ("datamodules/tokenizers.py", "gpt2"): "likewise",
}
Function = ast.FunctionDef | ast.AsyncFunctionDef


def parsed(file: Path) -> ast.Module:
    return ast.parse(file.read_text(encoding="utf-8"))


def functions(file: Path) -> Iterator[Function]:
    return (node for node in ast.walk(parsed(file)) if isinstance(node, Function))


def place(file: Path, node: Function) -> str:
    return f"{file.relative_to(HOME)}:{node.lineno} {node.name}"


def test_every_list_of_rooms_names_all_of_them() -> None:
    settings = tomllib.loads((HOME / "pyproject.toml").read_text())["tool"]
    contracts = settings["importlinter"]["contracts"]
    [layers] = [contract["layers"] for contract in contracts if "cli" in contract.get("layers", [])]
    [siblings] = [contract["ancestors"] for contract in contracts if "ancestors" in contract]
    packages = {pattern.rstrip("*") for pattern in settings["setuptools"]["packages"]["find"]["include"]}
    assert set(settings["importlinter"]["root_packages"]) == set(ROOMS)
    assert {room for layer in layers for room in layer.split(" | ")} == set(ROOMS)
    assert (set(siblings), packages) == (set(ROOMS), set(ROOMS))
    assert {*settings["pyright"]["include"]} == {*ROOMS, "encore_harness.py"}


def test_no_file_is_long() -> None:
    lengths = {str(file.relative_to(HOME)): len(file.read_text().splitlines()) for file in FILES}
    assert {file: lines for file, lines in lengths.items() if lines > MOST_LINES_OF_A_FILE} == {}


def test_no_function_is_long() -> None:
    long = [
        place(file, node)
        for file in FILES
        for node in functions(file)
        if node.end_lineno is not None and node.end_lineno - node.lineno >= MOST_LINES_OF_A_FUNCTION
    ]
    assert long == []


def is_command(node: Function) -> bool:
    """Whether its parameters are the options of a verb, which typer reads off them."""
    return any("ended_in_one_line" in ast.unparse(decorator) for decorator in node.decorator_list)


def test_no_function_takes_many_parameters() -> None:
    wide = []
    for file in FILES:
        for node in functions(file):
            given = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
            count = sum(argument.arg not in {"self", "cls"} for argument in given)
            if count > MOST_PARAMETERS and not is_command(node):
                wide.append((place(file, node), count))
    assert wide == []


def literals(node: ast.expr) -> Iterator[str]:
    for part in ast.walk(node):
        if isinstance(part, ast.Constant) and isinstance(part.value, str):
            yield part.value


def switched_on(file: Path) -> Iterator[str]:
    """Names of rows that a comparison, a `match` or an `isinstance` of the file asks for."""
    for node in ast.walk(parsed(file)):
        if isinstance(node, ast.Compare):
            yield from ROWS.intersection(
                name for side in [node.left, *node.comparators] for name in literals(side)
            )
        elif isinstance(node, ast.MatchValue):
            yield from ROWS.intersection(literals(node.value))
        elif isinstance(node, ast.MatchClass):
            yield from CONFIGS.intersection([ast.unparse(node.cls)])
        elif isinstance(node, ast.Call) and ast.unparse(node.func) == "isinstance":
            yield from CONFIGS.intersection(ast.unparse(node.args[1]).replace(" ", "").split("|"))


def test_kinds_are_told_apart_by_their_rows_and_at_few_places_by_hand() -> None:
    found = {(str(file.relative_to(HOME)), name) for file in FILES for name in switched_on(file)}
    assert found == set(SWITCHES)
    assert len(SWITCHES) <= 6


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ('if task == "causal-language-model": pass', {"causal-language-model"}),
        ('if kind in ("gpt2", "other"): pass', {"gpt2"}),
        ('match variant:\n    case "int8": pass', {"int8"}),
        ("isinstance(data, StoriesConfig)", {"StoriesConfig"}),
        ('if "test/accuracy" not in metrics: pass', set()),
    ],
)
def test_a_switch_is_found(tmp_path: Path, code: str, expected: set[str]) -> None:
    file = tmp_path / "room.py"
    file.write_text(code)
    assert set(switched_on(file)) == expected
