"""Help at 80 columns: every line whole, and each verb says all that it does."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import pytest
from typer.main import get_command_name
from typer.testing import CliRunner

from cli.main import app


def name_of(callback: Callable[..., Any]) -> str:
    return get_command_name(callback.__name__)


VERBS = [command.callback for command in app.registered_commands if command.callback is not None]


def help_of(monkeypatch: pytest.MonkeyPatch, *words: str) -> list[str]:
    monkeypatch.setenv("COLUMNS", "80")
    result = CliRunner().invoke(app, [*words, "--help"])
    assert result.exit_code == 0, result.output
    lines = result.stdout.splitlines()
    assert all(len(line) <= 80 for line in lines)
    return lines


def test_no_line_of_the_list_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = help_of(monkeypatch)
    listed = [line.split(maxsplit=1) for line in lines[lines.index("Commands:") + 1 :]]
    assert [name for name, _ in listed] == [name_of(verb) for verb in VERBS]
    for verb, (_, said) in zip(VERBS, listed, strict=True):
        assert said == (inspect.getdoc(verb) or "").partition("\n")[0]


@pytest.mark.parametrize("verb", VERBS, ids=name_of)
def test_a_verb_says_all_that_it_does(verb: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    lines = help_of(monkeypatch, name_of(verb))
    assert " ".join((inspect.getdoc(verb) or "").split()) in " ".join(" ".join(lines).split())
