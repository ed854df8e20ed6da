"""What a stranger's name, text or value can do to a terminal: nothing."""

from __future__ import annotations

import io
import json
import re
import sqlite3
import unicodedata
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.table import Table
from rich.text import Text
from typer.testing import CliRunner

from cli.console import PlainConsole, print_json
from cli.main import app
from host.markup import harmless, literal
from tracking.entities import Experiment
from tracking.store import Store

STYLE = re.compile(r"\x1b\[[0-9;]*m")
HOSTILE = (
    "na\x1b[31mme\x1b]0;title\x07\r\x08\x7f\x9b2J\x85\u202eevil\u2066\u200f\u2028:bomb: [bold]x[/] [link=a]b"
)
FORGED = "Run deadbeef FINISHED"


def steering(text: str) -> set[str]:
    """Every control character but a line's end, and every mark of direction."""
    kinds = ("Cc", "Zl", "Zp")
    return {c for c in text if (unicodedata.category(c) in kinds and c != "\n") or c in "\u202e\u2066\u200f"}


def drawn(*renderables: object, terminal: bool = True) -> str:
    file = io.StringIO()
    colours = "standard" if terminal else None
    console = PlainConsole(file=file, width=400, force_terminal=terminal, color_system=colours)
    for renderable in renderables:
        console.print(renderable, highlight=False)
    return file.getvalue()


def test_the_terminal_is_steered_by_our_own_styles_alone() -> None:
    table = Table(literal(HOSTILE), title=literal(HOSTILE))
    table.add_row(literal(HOSTILE))
    text = drawn(
        f"[bold]{literal(HOSTILE)}[/]", HOSTILE.partition("[bold]")[0], Text(HOSTILE, style="red"), table
    )
    assert "\x1b[1mna\\x1b[31mme" in text  # our bold, and the name as it is
    assert "\x1b[31m\x1b" not in text
    assert ":bomb: [bold]x[/] [link=a]b" in text
    assert steering(STYLE.sub("", text)) == set()


@given(st.text(max_size=60))
def test_no_text_ends_its_line_or_changes_its_columns(name: str) -> None:
    table = Table("name", "value")
    table.add_row(literal(name), "after")
    lines = drawn(table, f"name {literal(name)} [bold]after[/]", terminal=False).splitlines()
    assert len(lines) == 6
    assert lines[3].endswith("│ after │")
    assert lines[5].startswith("name ")
    assert lines[5].endswith(" after")
    assert steering("".join(lines)) == set()


@given(*[st.text("[]/#@= abcred", max_size=12)] * 3)
def test_texts_of_one_line_make_no_tag_together(one: str, other: str, third: str) -> None:
    line = f"{literal(one)}: {literal(other)}, [bold]x[/] {literal(third)}"
    assert drawn(line, terminal=False) == f"{one}: {other}, x {third}\n"


def test_lines_and_tabs_of_our_own_stay() -> None:
    assert harmless("a\tb\nc") == "a\tb\nc"
    assert drawn("a\nb", terminal=False) == "a\nb\n"


def test_json_is_the_same_without_what_steers(capsys: pytest.CaptureFixture[str]) -> None:
    print_json({HOSTILE: [HOSTILE, "é 漢 🎉"]})
    out = capsys.readouterr().out
    assert json.loads(out) == {HOSTILE: [HOSTILE, "é 漢 🎉"]}
    assert steering(out) == set()
    assert "漢 🎉" in out


@pytest.fixture
def planted(store: Store) -> str:
    """A run whose name, experiment, params, tags and description say such things."""
    bad = f"{HOSTILE}\n{FORGED}"
    log = store.start_run(
        experiment=Experiment("demo", "loss"),
        name="run",
        params={"description": bad},
        tags={"encore.kind": "run", "encore.failed_because": bad},
        description=bad,
    )
    log.log_json({}, "run/a.json")
    log.finish("FAILED", reason=bad)
    folder = store.files.folder(store.find(log.run_id))
    assert folder is not None
    (folder / f"b\x1b[31m\n{FORGED}").write_text("")
    store.client.set_tag(log.run_id, "mlflow.runName", bad)
    with (
        closing(sqlite3.connect(store.root / "mlflow.db")) as database,
        database,
    ):  # MLflow refuses such a name
        database.execute("UPDATE experiments SET name = ? WHERE name = 'demo'", (bad,))
    return log.run_id


@pytest.mark.parametrize(
    ("verb", "code"),
    [
        ("runs", 0),
        ("show", 0),
        ("verify", 2),
        ("resume", 2),
        ("export", 2),
        ("runs --json", 0),
        ("show --json", 0),
    ],
)
def test_no_verb_lets_a_store_steer_or_forge(verb: str, code: int, planted: str, root: Path) -> None:
    name, *options = verb.split()
    told = CliRunner().invoke(
        app, [name, *options, *([] if name == "runs" else [planted[:8]]), "--root", str(root)]
    )
    assert told.exit_code == code
    assert told.output
    assert steering(STYLE.sub("", told.output)) == set()
    for (
        line
    ) in told.output.splitlines():  # the name's line break as an escape, or inside an indented description
        before, forged, _ = line.partition(FORGED)
        assert not forged or before.endswith("\\n") or before.startswith("  ")
