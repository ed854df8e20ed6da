"""`encore tag`, `note` and `rm`: a person's own words, and the bin."""

from __future__ import annotations

import shlex
import sqlite3
from contextlib import closing

import pytest
from typer.testing import CliRunner

from cli.main import app
from tests.runs.test_selection import recorded
from tracking.addresses import DATABASE_FILE
from tracking.entities import Experiment
from tracking.registered_models import Registry
from tracking.search import PARENT_TAG
from tracking.store import Store


def asked(store: Store, *words: str, code: int = 0) -> str:
    told = CliRunner().invoke(app, [*words, "--root", str(store.root)])
    assert told.exit_code == code, told.stderr
    return told.stderr


def test_a_tag_and_a_note_are_a_persons_own(store: Store) -> None:
    run = recorded(store, "a run", loss=1.0, a=1)
    asked(store, "tag", run[:8], "reviewed=<b>yes</b>")
    asked(store, "note", run[:8], "good")
    tags = store.find(run).tags
    assert (tags["reviewed"], tags["mlflow.note.content"]) == ("<b>yes</b>", "good")
    log = store.attach(run)
    log.tell("**accuracy 93 %**")
    log.close()
    store.client.update_run(run, status="RUNNING")
    assert "is still going on" in asked(store, "note", run[:8], "too early", code=2)
    store.client.update_run(run, status="FINISHED")
    for words in ("better --- than most", "the one"):
        asked(store, "note", run[:8], words)
        assert store.find(run).tags["mlflow.note.content"] == f"**accuracy 93 %**\n\n---\n\n{words}"
    for wrong in ("x" * 5001, " "):
        assert len(asked(store, "note", run[:8], wrong, code=2).splitlines()) == 1
    asked(store, "note", run[:8], "x" * 5000)
    for wrong in ("encore.kind=run", "mlflow.user=x", "bare", "=x", "a\u0301!=x"):
        assert len(asked(store, "tag", run[:8], wrong, code=2).splitlines()) == 1


def test_a_sweep_takes_its_trials_into_the_bin_and_out_again(store: Store) -> None:
    sweep = recorded(store, "sweep", loss=None, a=1, **{"encore.kind": "sweep"})
    trial = recorded(store, "trial", loss=1.0, a=1, **{"encore.kind": "trial", PARENT_TAG: sweep})
    fork = recorded(store, "fork", loss=1.0, a=1, **{"encore.forked_from": f"{trial}@5"})
    assert "has 1 runs under it. Add --with-trials" in asked(store, "rm", sweep, code=2)
    assert "go back to" in asked(store, "rm", sweep, "--with-trials")
    assert [run.run_id for run in store.runs()] == [fork]
    asked(store, "rm", "--restore", sweep, "--with-trials")
    assert {run.run_id for run in store.runs()} == {sweep, trial, fork}


@pytest.mark.parametrize("together", [True, False])
def test_the_command_that_is_told_brings_all_back(store: Store, together: bool) -> None:
    sweep = recorded(store, "sweep", loss=None, a=1, **{"encore.kind": "sweep"})
    trial = recorded(store, "trial", loss=1.0, a=1, **{"encore.kind": "trial", PARENT_TAG: sweep})
    told = " ".join(asked(store, "rm", sweep, "--with-trials" if together else trial).split())
    assert store.runs() == []
    command = told.split("`")[1]
    assert str(store.root) in command
    back = CliRunner().invoke(app, shlex.split(command)[1:])
    assert back.exit_code == 0, back.stderr
    assert {run.run_id for run in store.runs()} == {sweep, trial}


def test_the_bin_says_that_a_champion_is_served_on(store: Store) -> None:
    runs = {name: recorded(store, name, loss=1.0, a=1) for name in ("first", "second")}
    model = store.client.create_logged_model(
        store.client.get_run(runs["first"]).info.experiment_id, source_run_id=runs["first"]
    )
    Registry(store, "reviews").crown(runs["first"], model.model_id, reason="it is the first", about="")
    assert "champion" not in asked(store, "rm", runs["second"])
    told = " ".join(asked(store, "rm", runs["first"]).split())
    assert f"run {runs['first'][:8]}" in told
    assert "MLflow serves it as models:/reviews@champion until another run takes its place" in told
    assert "champion" not in asked(store, "rm", "--restore", runs["first"])


def test_what_is_going_on_stays_and_a_store_that_refuses_is_one_line(store: Store) -> None:
    log = store.start_run(
        experiment=Experiment("demo", "loss"), name="a run", params={}, tags={}, description="", sampled=False
    )
    assert "is going on. End it first." in asked(store, "rm", log.run_id, code=2)
    log.finish("FINISHED")
    with closing(sqlite3.connect(store.root / DATABASE_FILE)) as connection, connection:
        connection.execute(
            "CREATE TRIGGER no BEFORE INSERT ON tags BEGIN SELECT RAISE(ABORT, 'refused'); END"
        )
        connection.execute(
            "CREATE TRIGGER out BEFORE UPDATE ON runs BEGIN SELECT RAISE(ABORT, 'refused'); END"
        )
    for words in (["tag", log.run_id, "a=b"], ["rm", log.run_id]):
        (line,) = asked(store, *words, code=2).splitlines()
        assert "refused" in line
