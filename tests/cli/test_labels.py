"""`encore tag`, `note` and `rm`: a person's own words, and the bin."""

from __future__ import annotations

from typer.testing import CliRunner

from cli.main import app
from tests.runs.test_selection import recorded
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
