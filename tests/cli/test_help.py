"""Help at 80 columns: every line whole, and each verb says all that it does."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import pytest
from typer import Typer
from typer.main import get_command_name
from typer.testing import CliRunner

from cli.main import app


def name_of(callback: Callable[..., Any]) -> str:
    return get_command_name(callback.__name__)


def verbs_of(group: Typer) -> list[Callable[..., Any]]:
    return [command.callback for command in group.registered_commands if command.callback is not None]


VERBS = verbs_of(app)
GROUPS = {str(group.name): group.typer_instance for group in app.registered_groups if group.typer_instance}
OF_GROUPS = [(name, verb) for name, group in GROUPS.items() for verb in verbs_of(group)]


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
    assert [name for name, _ in listed] == [*map(name_of, VERBS), *GROUPS]
    for verb, (_, said) in zip(VERBS, listed, strict=False):
        assert said == first_line(verb)
    assert [said for _, said in listed[len(VERBS) :]] == [str(group.info.help) for group in GROUPS.values()]


@pytest.mark.parametrize("name", GROUPS)
def test_no_line_of_a_groups_list_is_cut(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = help_of(monkeypatch, name)
    listed = [line.split(maxsplit=1) for line in lines[lines.index("Commands:") + 1 :]]
    assert listed == [[name_of(verb), first_line(verb)] for verb in verbs_of(GROUPS[name])]


def first_line(verb: Callable[..., Any]) -> str:
    return (inspect.getdoc(verb) or "").partition("\n")[0]


@pytest.mark.parametrize(
    ("group", "verb"), OF_GROUPS, ids=[f"{name} {name_of(verb)}" for name, verb in OF_GROUPS]
)
def test_a_verb_of_a_group_says_all_that_it_does(
    group: str, verb: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = help_of(monkeypatch, group, name_of(verb))
    assert " ".join((inspect.getdoc(verb) or "").split()) in " ".join(" ".join(lines).split())


@pytest.mark.parametrize("verb", VERBS, ids=name_of)
def test_a_verb_says_all_that_it_does(verb: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    lines = help_of(monkeypatch, name_of(verb))
    assert " ".join((inspect.getdoc(verb) or "").split()) in " ".join(" ".join(lines).split())
