"""`encore train ID`: whose settings can be trained anew, and what is said of the others."""

from __future__ import annotations

import pytest
from typer.testing import CliRunner

from cli.main import app
from tracking.entities import Experiment
from tracking.store import Store


@pytest.mark.parametrize(
    ("tags", "said"),
    [
        (
            {"encore.kind": "fork", "encore.forked_from": f"{'ab' * 16}@3"},
            f"`encore fork {'ab' * 16}@3 KEY=VALUE`",
        ),
        ({"encore.kind": "sweep"}, "Name a run that trained."),
        ({"encore.kind": "sweep", "encore.best_run": "cd" * 16}, "such as its best, "),
        ({"encore.kind": "stories"}, "Name a run that trained."),
    ],
)
def test_what_its_settings_alone_do_not_make_again_is_refused(
    store: Store, tags: dict[str, str], said: str
) -> None:
    log = store.start_run(
        experiment=Experiment("demo", "loss"), name="a", params={}, description="", tags=tags
    )
    log.finish("FINISHED")
    told = CliRunner().invoke(app, ["train", log.run_id, "seed=2", "--root", str(store.root)])
    assert told.exit_code == 2
    (line,) = told.stderr.splitlines()
    assert said in line
    assert [run.run_id for run in store.runs()] == [log.run_id]
