"""How a verb ends, whatever is raised in it."""

from __future__ import annotations

from pathlib import Path

import pytest
import typer

from cli.options import FAULT, ended_in_one_line
from errors import LibraryError


def _ended(error: Exception, root: Path, capsys: pytest.CaptureFixture[str]) -> tuple[int, str]:
    def verb(*, root: Path) -> int:
        raise error

    with pytest.raises(typer.Exit) as ended:
        ended_in_one_line(verb)(root=root)
    return ended.value.exit_code, capsys.readouterr().err


def test_a_fault_of_ours_is_one_line_and_its_traceback_a_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    secret = "http://anna:" + "geheim123@example.org"
    code, shown = _ended(AttributeError(f"no such thing at {secret}"), tmp_path, capsys)
    assert code == FAULT
    assert shown.count("\n") == 1
    (kept,) = (tmp_path / "debug").iterdir()
    assert str(kept) in shown
    assert "AttributeError" in kept.read_text()
    assert "geheim123" not in kept.read_text() + shown


def test_what_a_library_raised_is_a_users_error_with_a_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    error = LibraryError("cannot be read", where="a.json", cure="Mend it.")
    error.__cause__ = TypeError("inside the library")
    code, shown = _ended(error, tmp_path, capsys)
    assert code == 2
    assert shown.startswith("encore: a.json: cannot be read. Mend it. Its traceback is in ")
    assert "inside the library" in next((tmp_path / "debug").iterdir()).read_text()


def test_no_folder_is_made_for_a_root_that_is_not_there(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _ended(ValueError("x"), tmp_path / "none", capsys)
    assert not (tmp_path / "none").exists()
