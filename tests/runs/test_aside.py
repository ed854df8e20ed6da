"""What follows the end of a run costs it nothing, and a full disk is told once."""

from __future__ import annotations

import errno
import os
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from errors import UserError
from host.disk import FullDiskError, disk_errors
from host.terminal import TerminalReporter
from runs.aside import aside


@pytest.fixture
def reporter() -> TerminalReporter:
    return TerminalReporter(Console(file=StringIO(), width=80))


def said(reporter: TerminalReporter) -> list[str]:
    assert isinstance(reporter.console.file, StringIO)
    return reporter.console.file.getvalue().splitlines()


def fail(number: int, file: Path) -> None:
    with disk_errors(file):
        raise OSError(number, os.strerror(number), str(file))


def test_what_fails_is_told_with_what_it_costs(reporter: TerminalReporter, tmp_path: Path) -> None:
    for what in ("no model", "no views"):
        with aside(reporter, what, root=tmp_path, ends_with=FullDiskError("a", where="b", cure="c")):
            raise UserError("it is locked", where="the store", cure="Wait.")
    assert said(reporter) == [f"{what}: the store: it is locked. Wait." for what in ("no model", "no views")]


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_a_full_disk_is_told_once_whatever_met_it(
    reporter: TerminalReporter, tmp_path: Path, number: int
) -> None:
    for name in ("mlflow.db", "models"):
        with aside(reporter, name, root=tmp_path):
            fail(number, tmp_path / name)
    (line,) = said(reporter)
    assert line.startswith(f"{tmp_path}: the disk is full: what has ended is kept")
    assert "Free some space" in line


def test_it_is_not_told_where_the_command_ends_with_it(reporter: TerminalReporter, tmp_path: Path) -> None:
    with pytest.raises(FullDiskError) as end:
        fail(errno.ENOSPC, tmp_path / "export")
    with aside(reporter, "no model", root=tmp_path, ends_with=end.value):
        fail(errno.ENOSPC, tmp_path / "models")
    assert not said(reporter)
    with aside(reporter, "no model", root=tmp_path, ends_with=UserError("a", where="b", cure="c")):
        fail(errno.ENOSPC, tmp_path / "models")
    assert len(said(reporter)) == 1


def test_a_limit_of_a_file_is_no_full_disk(reporter: TerminalReporter, tmp_path: Path) -> None:
    with aside(reporter, "no model", root=tmp_path):
        fail(errno.EFBIG, tmp_path / "models")
    assert said(reporter)[0].startswith(f"no model: {tmp_path / 'models'}: a file would grow over the limit")
