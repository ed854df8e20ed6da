"""`encore data`: its tables fit a terminal, its JSON has the numbers, and nothing is trained."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
from rich.console import Console

from cli.data import data_verb, length_bars
from cli.session import outputs
from datamodules.lengths import Bar
from errors import UserError, visible
from host.text import shortened


@pytest.mark.parametrize("name", ["demo_reviews", "demo_stories"])
def test_the_tables_fit_and_say_what_the_json_says(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    reporter = outputs()[1]
    assert data_verb(name, ["data.selection_examples=30"], tmp_path, as_json=True) == 0
    found = json.loads(capsys.readouterr().out)
    assert [split["rows"] for split in found["summary"]["used"]][1] == 30
    assert all(len(sample["ids"]) == len(sample["pieces"]) for sample in found["samples"])
    for width in (80, 120, 170):
        out = Console(file=io.StringIO(), width=width)
        monkeypatch.setattr("cli.data.outputs", lambda out=out: (out, reporter))
        assert data_verb(name, ["data.selection_examples=30"], tmp_path, as_json=False) == 0
        assert isinstance(out.file, io.StringIO)
        text = out.file.getvalue()
        assert max(len(line) for line in text.splitlines()) <= width
        for split in found["splits"]:
            lengths = split["lengths"]
            assert f"{lengths['rows']:,}" in text
            assert f" {lengths['percentiles']['50']} " in text
        for sample in found["samples"]:
            assert f"row {sample['row']:,}" in text
    assert not (tmp_path / "mlflow.db").exists()


def test_a_sweep_has_its_experiment_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"demo: is a sweep.*encore data demo_reviews"):
        data_verb("demo", [], tmp_path, as_json=False)


def test_bars_are_as_long_as_their_rows() -> None:
    lines = length_bars([Bar(0, 9, 1), Bar(10, 19, 4000), Bar(20, 1234, 2000)])
    assert lines == [
        "       0-9      1  █",
        f"     10-19  4,000  {40 * '█'}",
        f"  20-1,234  2,000  {20 * '█'}",
    ]


def test_what_cannot_be_seen_is_shown_as_its_escape() -> None:
    assert visible("a\tb\n\x1b[31mc\u2028") == r"a\tb\n\x1b[31mc\u2028"
    assert shortened("a" * 50, 10) == "aaaaaaaaa…"
    assert shortened("abc", 10) == "abc"
