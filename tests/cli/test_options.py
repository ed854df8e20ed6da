"""How a verb ends, whatever is raised in it."""

from __future__ import annotations

import fcntl
import os
import struct
import subprocess
import sys
import termios
from pathlib import Path

import pytest
import typer
from typer.exceptions import TyperException

from cli.main import app
from cli.options import FAULT, ended, ended_in_one_line, wrong_command_line
from errors import LibraryError


class Panic(BaseException):
    """As of a library in Rust."""


def _ended(error: BaseException, root: Path, capsys: pytest.CaptureFixture[str]) -> tuple[int, str]:
    def verb(*, root: Path) -> int:
        raise error

    with pytest.raises(typer.Exit) as exited:
        ended_in_one_line(verb)(root=root)
    return exited.value.exit_code, capsys.readouterr().err


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


def test_what_is_no_exception_is_a_fault_too_unless_it_ends_the_command(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, shown = _ended(Panic("index out of bounds"), tmp_path, capsys)
    assert code == FAULT
    assert "index out of bounds" in shown
    assert shown.count("\n") == 1
    with pytest.raises(SystemExit):
        ended(lambda: sys.exit(5), tmp_path)


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


def _said(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    """The one line that `encore` ends with over a wrong command line."""
    with pytest.raises(TyperException) as refused:
        app(arguments, prog_name="encore", standalone_mode=False)
    assert wrong_command_line(refused.value) == 2
    shown = capsys.readouterr().err
    assert shown.count("\n") == 1
    assert shown.strip().isprintable()
    assert len(shown) <= 501
    return shown


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["runs", "--limit", "1e3"], "'1e3' is no whole number from 1 to 1000000"),
        (["runs", "--limit", "9" * 5000], "a whole number of 5,000 digits does not fit 64 bits"),
        (["runs", "--limit", "\u0661"], "is no whole number"),
        (["runs", "--limit", "1_0"], "is no whole number"),
        (["reproduce", "a", "--threads", "1000000000"], "is no whole number from 1 to 1024"),
        (["generate", "a", "--seed", "4294967296"], "is no whole number from 0 to 4294967295"),
        (["generate", "a", "--n", "0x10"], "is no whole number from 1 to 10000"),
        (["generate", "a", "--temperature", "nan"], "'nan' is no decimal number"),
        (["generate", "a", "--top-p", "1e999"], "too large"),
        (["generate", "a", "--prompt", "\udcff"], "no UTF-8"),
        (["ui", "--port", "65536"], "is no whole number from 1 to 65535"),
        (["runs", "--root", ""], "it is empty, as an unset shell variable is"),
        (["runs", "--root", "\udcff"], "no UTF-8"),
        (["runs", "--root", "a\nb"], "U+000A"),
        (["runs", "--root", "a" * 300], "a folder's name of 300 bytes; 255 are possible"),
        (["runs", "--root", "~nobody-here"], "~nobody-here is no user of this machine"),
        (["runs", "--sweep", ""], "it is empty"),
        (["show", "\x1b[31m"], "U+001B"),
        (["train", ""], "it is empty"),
        (["a\nb"], "No such command"),
        (["x" * 10_000], "No such command"),
    ],
    ids=lambda value: " ".join(value)[:40],
)
def test_options_take_what_was_typed_or_say_why_not(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert message in _said(arguments, capsys)


def test_a_line_is_short_whatever_is_in_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, shown = _ended(LibraryError("x" * 9000, where="y" * 9000, cure="z" * 9000), tmp_path, capsys)
    assert code == 2
    assert len(shown) <= 501
    assert str(tmp_path / "debug") in shown
    assert _ended(ValueError("\ud800\n" * 900), tmp_path, capsys)[1].strip().isprintable()


@pytest.mark.parametrize("name", ["ab#\u0661", "ab#" + "9" * 5000, "ab#", "#1", "ab#-1", "ab#1.0"])
def test_a_storys_number_is_of_digits(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert app(["story", name, "--root", str(tmp_path)], standalone_mode=False) == 2
    assert "names no story. Write ID#NUMBER" in capsys.readouterr().err


@pytest.mark.parametrize(
    "name", ["ab@\u0661", "ab@../../x", "ab@" + "9" * 5000, "ab@first", "@1", "ab", "ab@-1"]
)
def test_a_forks_step_is_of_digits_or_the_best_or_the_last(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert app(["fork", name, "--root", str(tmp_path)], standalone_mode=False) == 2
    assert "names no checkpoint. Write ID@STEP" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        (
            ["train", "train.max_steps=6", "demo_reviews", "seed=3"],
            "train demo_reviews train.max_steps=6 seed=3",
        ),
        (["train", "description=a b", "demo_reviews"], "train demo_reviews 'description=a b'"),
        (["sweep", "budget.trials=2", "demo"], "sweep demo budget.trials=2"),
        (["data", "seed=1", "demo_reviews"], "data demo_reviews seed=1"),
        (["fork", "seed=1", "3f2a@40"], "fork 3f2a@40 seed=1"),
        (["train", "seed=1"], "train NAME seed=1"),
    ],
)
def test_a_value_in_the_place_of_the_name_is_told_with_the_line_as_it_should_be(
    typed: list[str], meant: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert app([*typed, "--root", str(tmp_path)], standalone_mode=False) == 2
    line = capsys.readouterr().err
    assert "which comes first" in line
    assert f"Write `encore {meant}`." in line


def test_an_option_before_the_verb_is_told_where_it_belongs(capsys: pytest.CaptureFixture[str]) -> None:
    for typed, said in (
        (["--root", "x", "runs"], "--root belongs behind the verb, as in `encore sweep --root …`."),
        (["--where", "x", "runs"], "--where belongs behind the verb, as in `encore runs --where …`."),
        (["--nothing", "runs"], "No such option: --nothing"),
        (["runs", "--top"], "No such option: --top"),
    ):
        with pytest.raises(TyperException) as caught:
            app(typed, prog_name="encore", standalone_mode=False)
        assert wrong_command_line(caught.value) == 2
        shown = capsys.readouterr().err
        assert shown.count("\n") == 1
        assert said in shown


def test_a_long_line_breaks_between_words_on_a_terminal_and_not_at_all_in_a_file() -> None:
    command = [
        sys.executable,
        "-m",
        "cli",
        "train",
        "demo_reviews",
        "train.max_steps=100",
        "train.validations=8",
    ]
    whole = subprocess.run(command, capture_output=True, text=True, check=False)
    ours, theirs = os.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 60, 0, 0))
    subprocess.run(command, stdout=subprocess.DEVNULL, stderr=theirs, check=False)
    os.close(theirs)
    seen = os.read(ours, 65536).decode().splitlines()
    os.close(ours)
    assert len(seen) > 2
    assert max(map(len, seen)) <= 60
    assert " ".join(seen) == whole.stderr.strip()
