"""What lies in a folder is told without following or opening it; JSON is read within bounds."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from host.bounded_json import RECORD, OddJsonError, parse_json, read_json
from host.files import entries


def test_everything_is_listed_and_nothing_followed(tmp_path: Path) -> None:
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "a" / ".hidden").write_text("x")
    (tmp_path / "link").symlink_to("/")
    (tmp_path / "dangling").symlink_to("nowhere")
    os.mkfifo(tmp_path / "a" / "pipe")
    (tmp_path / os.fsdecode(b"caf\xe9")).write_text("")
    assert {path: entry.kind for path, entry in entries(tmp_path).items()} == {
        "a": "folder",
        "a/.hidden": "file",
        "a/b": "folder",
        "a/pipe": "something else",
        "caf\\xe9": "file",
        "dangling": "link",
        "link": "link",
    }
    assert entries(tmp_path / "none") == {}


def test_folders_without_end_are_told_by_the_first_forty(tmp_path: Path) -> None:
    deep = tmp_path.joinpath(*["d"] * 60)
    deep.mkdir(parents=True)
    assert max(path.count("/") for path in entries(tmp_path)) == 40


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[" * (RECORD.deepest + 2) + "]" * (RECORD.deepest + 2), "deeper"),
        ("[" * 100_000, "deeper"),
        ('{"a": ' * 200 + "1" + "}" * 200, "deeper"),
        ("9" * 5_000, "not JSON"),
        ("[9223372036854775808]", "64 bits"),
        ('{"a": -99999999999999999999}', "64 bits"),
        ('["\\ud800"]', "surrogate"),
        ('{"\\udfff": 1}', "surrogate"),
        ("{", "not JSON"),
        ("", "not JSON"),
    ],
)
def test_json_that_a_reader_would_stumble_over_is_refused(text: str, message: str) -> None:
    with pytest.raises(OddJsonError, match=message):
        parse_json(text)


def test_json_as_we_write_it_is_read(tmp_path: Path) -> None:
    deep = "[" * RECORD.deepest + "]" * RECORD.deepest
    assert parse_json(f'{{"é": [1, -0.5, NaN, true, null, "😀"], "deep": {deep}}}')["é"][5] == "😀"
    file = tmp_path / "a.json"
    file.write_bytes(b'{"argument": "caf\xe9"}')
    assert read_json(file) == {"argument": "caf\ufffd"}
    with file.open("wb") as opened:
        opened.truncate(65 * 2**20)
    with pytest.raises(OddJsonError, match="too large"):
        read_json(file)
