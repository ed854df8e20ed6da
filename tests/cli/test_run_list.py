"""`encore runs`: one line a run at any width, trees, columns, CSV and JSON, whatever the runs are called."""

from __future__ import annotations

import csv
import io
import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from typer.testing import CliRunner

from benchmarks.planted_runs import TRIALS_A_SWEEP, plant
from cli.main import app
from tests.runs.test_selection import recorded
from tracking.addresses import DATABASE_FILE
from tracking.search import PARENT_TAG
from tracking.store import Store

HOSTILE = [
    "<script>alert(1)</script>",
    "[red]x[/] :bomb:",
    "\x1b]0;owned\x07",
    "a\nb\tc",
    "\u202egnp.exe",
    "é\u0301☂",
]


def runs(root: Path, *options: str, width: int = 80) -> str:
    told = CliRunner().invoke(app, ["runs", "--root", str(root), *options], env={"COLUMNS": str(width)})
    assert told.exit_code == 0, told.stderr
    return told.stdout


def refused(root: Path, *options: str) -> str:
    told = CliRunner().invoke(app, ["runs", "--root", str(root), *options])
    assert told.exit_code == 2
    assert told.stdout == ""
    assert len(told.stderr.splitlines()) == 1
    return told.stderr


@pytest.fixture
def planted(root: Path) -> Path:
    plant(root, 3 * (TRIALS_A_SWEEP + 1))
    return root


def test_a_line_a_run_trials_under_their_sweep(planted: Path) -> None:
    lines = runs(planted, "--limit", "12").splitlines()
    assert len(lines) <= 16
    assert lines[0].split() == ["run", "name", "status", "held-out", "test", "INT8", "started", "experiment"]
    assert "└" not in lines[1]  # the sweep, which is older than the twelve newest
    assert all(line[10:].startswith("└ planted 000") for line in lines[2:14])
    assert [int(line.split()[3]) for line in lines[2:14]] == list(range(48, 60))


def test_a_condition_an_order_and_columns(planted: Path) -> None:
    where = "test/accuracy > 80% and optim.learning_rate < 5e-4"
    options = [
        "--where",
        where,
        "--sort",
        "test/accuracy",
        "--columns",
        "status,optim.learning_rate,test/accuracy",
    ]
    lines = runs(planted, *options).splitlines()
    assert lines[0].split() == ["run", "name", "status", "lr", "accuracy"]
    shown = [float(line.split()[-2]) for line in lines[1:]]
    told = json.loads(runs(planted, *options, "--json"))
    values = [found["test/accuracy"] for found in told]
    assert shown == [round(100 * value, 2) for value in values]
    assert values == sorted(values, reverse=True)
    assert all(found["optim.learning_rate"] < 5e-4 for found in told)
    assert len(told) == 20
    whole = json.loads(runs(planted, "--where", where, "--limit", "1"[:1], "--json"))
    assert len(whole[0]["metrics"]) == 60


def test_what_was_not_asked_for_is_not_listed(store: Store) -> None:
    """A sweep stands above its trials, but not where it is no answer."""
    sweep = recorded(store, "sweep demo", loss=None, a=1, **{"encore.kind": "sweep"})
    trials = [
        recorded(
            store, f"t{number:02d}", loss=float(number), a=1, **{"encore.kind": "trial", PARENT_TAG: sweep}
        )
        for number in (1, 2)
    ]
    assert len(runs(store.root, "--limit", "1").splitlines()) == 3
    (_, line) = runs(store.root, "--where", "loss = 1").splitlines()
    assert line.startswith(f"{trials[0][:8]}  t01")
    assert len(runs(store.root, "--where", "name ~ t01 or kind = sweep").splitlines()) == 3
    store.client.delete_run(trials[1])
    (_, line) = runs(store.root, "--deleted").splitlines()
    assert line.startswith(f"{trials[1][:8]}  t02")


def test_csv_has_whole_numbers(planted: Path) -> None:
    rows = list(csv.DictReader(io.StringIO(runs(planted, "--csv", "--limit", "3"))))
    store = Store.read(planted)
    for row in rows:
        assert float(row["test/accuracy"]) == store.find(row["run"]).metrics["test/accuracy"]
        assert row["kind"] == "trial"


def test_a_column_in_which_nothing_stands_is_told(store: Store) -> None:
    recorded(store, "one", loss=1.0, a=1)
    recorded(store, "two", loss=None, a=1)
    lines = runs(store.root, "--columns", "loss,a", "--where", "not loss").splitlines()
    assert lines[0].split() == ["run", "name", "a"]
    assert lines[-1] == "None of these runs has loss."
    assert "None of these" not in runs(store.root, "--columns", "loss,a")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--columns", "seed,"], "--columns: there is no name at one of its commas"),
        (["--where", "test/acuracy > 0.9"], "Did you mean test/accuracy?"),
        (["--sort", "test/acuracy"], "Did you mean test/accuracy?"),
        (["--columns", "status,sed"], "Did you mean seed?"),
        (["--where", "seed = "], "ends where a value belongs"),
        (["--csv", "--json"], "are two forms of one answer. Give one of them."),
    ],
)
def test_mistakes_are_one_line(planted: Path, options: list[str], said: str) -> None:
    assert said in refused(planted, *options)


def test_a_run_that_is_no_sweep_has_no_trials(store: Store) -> None:
    sweep = recorded(store, "sweep demo", loss=None, a=1, **{"encore.kind": "sweep"})
    trial = recorded(store, "trial", loss=1.0, a=1, **{"encore.kind": "trial", PARENT_TAG: sweep})
    line = refused(store.root, "--sweep", trial[:8])
    assert (
        f"is no sweep. It is a trial of sweep {sweep[:8]}. `encore runs --where 'kind = sweep'` lists" in line
    )
    assert len(runs(store.root, "--sweep", sweep[:8]).splitlines()) == 3  # head, sweep, trial


def test_hostile_names_are_texts_in_one_line_each(root: Path) -> None:
    plant(root, len(HOSTILE) + 1)
    with closing(sqlite3.connect(root / DATABASE_FILE)) as connection, connection:
        ids = [run for (run,) in connection.execute("SELECT run_uuid FROM runs ORDER BY start_time")]
        for run, name in zip(ids[1:], HOSTILE, strict=True):
            connection.execute("UPDATE runs SET name = ? WHERE run_uuid = ?", (name, run))
            connection.execute("INSERT INTO tags (key, value, run_uuid) VALUES ('said', ?, ?)", (name, run))
        connection.execute("UPDATE runs SET name = ? WHERE run_uuid = ?", ("x" * 10**6, ids[0]))
        connection.execute("INSERT INTO tags VALUES ('said', CAST(x'61edb080ff' AS TEXT), ?)", (ids[0],))
    for options in (["--columns", "said"], []):
        text = runs(root, *options, width=200)
        assert len(text.splitlines()) == 2 + len(HOSTILE)
        assert "<script>alert(1)</script>" in text
        assert "[red]x[/] :bomb:" in text
        assert r"\u202egnp.exe" in text
        assert not {"\x1b", "\x07", "\u202e", "\t"} & set(text)
        assert all(len(line) <= 200 for line in text.splitlines())
    assert {found["said"] for found in json.loads(runs(root, "--columns", "said", "--json"))} >= set(HOSTILE)


def test_a_text_that_a_spreadsheet_would_compute_begins_with_an_apostrophe(store: Store) -> None:
    recorded(store, "=cmd|'/c calc'!A0", loss=-1.0, a=1)
    (row,) = csv.DictReader(io.StringIO(runs(store.root, "--csv", "--columns", "name,loss")))
    assert row == {"name": "'=cmd|'/c calc'!A0", "loss": "-1.0"}
