"""Whatever a library raises is one line, and what Encore says itself stays."""

from __future__ import annotations

import errno
import json
import os
import time
from pathlib import Path

import pytest

from errors import LibraryError, UserError
from host.boundary import boundary
from host.disk import disk_errors
from host.waiting import answer_within
from tests.small_disks import small_disk


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


def test_a_panic_of_rust_is_told_as_any_other_fault(capfd: pytest.CaptureFixture[str]) -> None:
    from tokenizers import Tokenizer, models

    said = json.loads(Tokenizer(models.WordLevel({"a": 0}, "a")).to_str())
    asked = Tokenizer.from_str(json.dumps({**said, "pre_tokenizer": {"type": "FixedLength", "length": 0}}))
    with pytest.raises(LibraryError) as told, boundary("cannot split", where="tokenizer", cure="Mend it."):
        asked.encode("a text")
    assert not isinstance(told.value.__cause__, Exception)
    assert "panicked" in capfd.readouterr().err  # the library's own word, before there is anything to catch


def test_a_full_disk_is_no_damaged_file(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="the disk is full"), boundary("bad", where=str(tmp_path), cure="b"):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_a_long_message_is_cut() -> None:
    with pytest.raises(LibraryError) as told, boundary("cannot be read", where="a", cure="b"):
        raise ValueError("x" * 5000)
    assert len(str(told.value)) < 250


def test_a_disk_error_behind_another_error_is_told(tmp_path: Path) -> None:
    full = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(tmp_path / "rows.arrow"))
    with pytest.raises(UserError, match=r"rows\.arrow: the disk is full"), disk_errors(tmp_path):
        raise RuntimeError("generating the data set failed") from full


@pytest.mark.parametrize(
    "raised",
    [
        Exception("No space left on device (os error 28)"),  # tokenizers
        OSError("1600 requested and 0 written"),  # numpy
        RuntimeError("[enforce fail at inline_container.cc] . unexpected pos 64 vs 0"),  # torch.save
    ],
)
def test_a_full_disk_is_told_by_its_words(tmp_path: Path, raised: Exception) -> None:
    with pytest.raises(UserError, match="the disk is full"), disk_errors(tmp_path):
        raise raised


def test_a_riddle_on_a_full_disk_is_a_full_disk_and_else_a_riddle(tmp_path: Path) -> None:
    with small_disk(tmp_path / "small", 64) as small:
        with (
            pytest.raises(LibraryError, match="Wire format"),
            boundary("bad", where="/", cure="b", writing=1),
        ):
            raise ValueError("Wire format was corrupt")
        with pytest.raises(UserError, match=f"{small}: the disk is full"), disk_errors(small, writing=2**20):
            raise ValueError("Wire format was corrupt")
        with pytest.raises(UserError, match=f"{small}: the disk is full"), disk_errors(small, writing=2**20):
            raise LibraryError("cannot be loaded", where="model.onnx", cure="Export it again.")
        with pytest.raises(UserError, match="no column"), disk_errors(small, writing=2**20):
            raise UserError("no column", where="a", cure="b")


def test_a_full_disk_of_temporary_files_is_not_the_roots(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with small_disk(tmp_path / "small", 64) as small:
        monkeypatch.setattr("tempfile.tempdir", str(small))
        with pytest.raises(UserError) as told, disk_errors(tmp_path, writing=2**20):
            raise ValueError("Wire format was corrupt")
        assert str(told.value).startswith(f"{small} (TMPDIR): the disk is full.")
        assert "set TMPDIR" in str(told.value)
        with pytest.raises(UserError, match=r"\(TMPDIR\)"), disk_errors(tmp_path):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(small / "model.onnx"))


def test_an_answer_is_not_waited_for_for_ever() -> None:
    assert answer_within(5, lambda: 3) == 3
    assert answer_within(0.05, lambda: time.sleep(1)) is None
    with pytest.raises(KeyError):
        answer_within(5, lambda: {}["x"])
