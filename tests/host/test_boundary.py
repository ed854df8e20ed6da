"""Whatever a library raises is one line, and what Encore says itself stays."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from errors import UserError
from host.boundary import LibraryError, boundary


@pytest.mark.parametrize("raised", [Exception("did not match\nany variant"), RecursionError(), KeyError("x")])
def test_any_exception_becomes_one_line_with_its_cause(raised: Exception) -> None:
    with pytest.raises(LibraryError) as told, boundary("cannot be read", where="a.json", cure="Mend it."):
        raise raised
    assert str(told.value).startswith("a.json: cannot be read (")
    assert str(told.value).endswith("). Mend it.")
    assert "\n" not in str(told.value)
    assert told.value.__cause__ is raised


def test_what_says_more_passes() -> None:
    with pytest.raises(UserError, match="row 5"), boundary("cannot be read", where="a", cure="b"):
        raise UserError("row 5", where="x", cure="y")
    with pytest.raises(KeyboardInterrupt), boundary("cannot be read", where="a", cure="b"):
        raise KeyboardInterrupt


def test_a_full_disk_is_no_damaged_file(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="the disk is full"), boundary("bad", where=str(tmp_path), cure="b"):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_a_long_message_is_cut() -> None:
    with pytest.raises(LibraryError) as told, boundary("cannot be read", where="a", cure="b"):
        raise ValueError("x" * 5000)
    assert len(str(told.value)) < 250
