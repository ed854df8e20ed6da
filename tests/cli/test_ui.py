"""`encore ui`: what it opens, and what it says."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from benchmarks.mlflow_server import MlflowServer
from cli.main import app
from runs.layout import KIND_TAG, ORDER, RunKind
from tracking.entities import Experiment
from tracking.store import Store
from tracking.views import experiment_id

SCORED = {"best/val/accuracy": 0.9, "best/val/loss": 0.2, "test/accuracy": 0.8, ORDER: 0.9}


def ui(root: Path, *arguments: str) -> tuple[int, str, str]:
    result = CliRunner().invoke(app, ["ui", "--no-open", *arguments, "--root", str(root)])
    return result.exit_code, result.stdout, result.stderr


def logged(store: Store, name: str, kind: RunKind = RunKind.RUN, experiment: str = "reviews") -> str:
    log = store.start_run(
        experiment=Experiment(experiment, "best/val/accuracy"),
        name=name,
        params={},
        tags={KIND_TAG: kind},
        description="",
        sampled=False,
    )
    log.log_metrics(SCORED, step=0)
    log.finish("FINISHED")
    return log.run_id


@pytest.fixture
def on_server(
    server: MlflowServer, root: Path, monkeypatch: pytest.MonkeyPatch
) -> tuple[Store, Path, MlflowServer]:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", server.uri)
    return Store.open(root), root, server


@pytest.mark.slow
def test_of_a_server_the_link_leads_to_its_own_pages(on_server: tuple[Store, Path, MlflowServer]) -> None:
    store, root, server = on_server
    run_id = logged(store, "one", experiment="of the server")
    experiment = experiment_id(store, "of the server")
    code, out, _ = ui(root)
    assert (code, out) == (
        0,
        f"{server.uri}/#/experiments/{experiment}/runs?workflowType=machine_learning&viewStateShareKey=encore-runs\n",
    )
    _, out, _ = ui(root, "of the server", "--charts")
    assert out.endswith("&viewStateShareKey=encore-runs&compareRunsMode=CHART\n")
    _, out, _ = ui(root, run_id[:12])
    assert out == f"{server.uri}/#/experiments/{experiment}/runs/{run_id}?workflowType=machine_learning\n"


def test_a_sweep_opens_on_its_own_view(on_server: tuple[Store, Path, MlflowServer]) -> None:
    store, root, _ = on_server
    parent = logged(store, "sweep demo s0", RunKind.SWEEP, "of a sweep")
    child = store.start_run(
        experiment=Experiment("of a sweep", "best/val/accuracy"),
        name="t00",
        params={},
        tags={KIND_TAG: RunKind.TRIAL},
        description="",
        parent_id=parent,
        sampled=False,
    )
    child.log_metrics(SCORED, step=0)
    child.finish("FINISHED")
    _, out, _ = ui(root, parent)
    assert f"viewStateShareKey=encore-sweep-{parent[:12]}" in out


def test_what_is_not_there_is_one_line(store: Store, root: Path) -> None:
    code, out, said = ui(root)
    assert (code, out, said.count("\n")) == (2, "", 1)
    assert "no run yet" in said
    logged(store, "one")
    code, out, said = ui(root, "nowhere")
    assert (code, out, said.count("\n")) == (2, "", 1)
    assert re.search(r"nowhere.*There are 'reviews'", said)
    code, _, said = ui(root, "ffff")
    assert code == 2
    assert "no run's id begins" in said


def test_a_store_that_cannot_be_written_opens_all_the_same(
    on_server: tuple[Store, Path, MlflowServer], monkeypatch: pytest.MonkeyPatch
) -> None:
    from errors import UserError

    store, root, _ = on_server
    logged(store, "one", experiment="read alone")

    def refuse(*_: object) -> int:
        raise UserError("is read-only", where="the store", cure="Ask its owner.")

    monkeypatch.setattr("runs.views.write_views", refuse)
    code, out, said = ui(root, "read alone")
    assert code == 0
    assert out.endswith("runs?workflowType=machine_learning\n")
    assert "not up to date: the store: is read-only" in " ".join(said.split())
