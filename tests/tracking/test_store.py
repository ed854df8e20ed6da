from __future__ import annotations

import json
import os
import signal
import subprocess
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from errors import UserError
from host.process import Owner
from tracking.entities import DatasetInput, Experiment
from tracking.inputs import log_inputs
from tracking.run_log import RunLog
from tracking.store import Store

Start = Callable[..., RunLog]
Open = Callable[..., Store]
Child = Callable[..., subprocess.Popen[str]]


def test_all_that_is_known_at_the_start_is_in_the_store_at_once(store: Store, start: Start) -> None:
    digest = "0123456789abcdef" * 4
    log = start(
        store,
        "first",
        params={"long": "x" * 7000, **{f"p{i}": i for i in range(150)}},
        tags={"recipe": "abc"},
        description="# What it was",
        datasets=[DatasetInput("sst2", "train", digest, 67349, 'C:\\data "x"')],
        parent_id="f" * 32,
    )
    record = store.find(log.run_id)
    assert (record.name, record.experiment, record.status) == ("first", "reviews", "RUNNING")
    assert len(record.params) == 151
    assert record.params["p149"] == "149"
    assert len(record.params["long"]) == 6000
    assert "sha256:" in record.params["long"]
    assert record.tags["recipe"] == "abc"
    assert record.tags["mlflow.note.content"] == "# What it was"
    assert record.tags["encore.owner"] == str(Owner.current())
    assert record.parent_id == "f" * 32
    assert record.end_ms is None
    data = store.client.get_run(log.run_id).inputs.dataset_inputs[0]
    assert data.dataset.digest == digest[:36]
    assert json.loads(data.dataset.profile) == {"num_rows": 67349, "sha256": digest}
    assert json.loads(data.dataset.source) == {"uri": 'C:\\data "x"'}
    assert {tag.key: tag.value for tag in data.tags} == {
        "mlflow.data.context": "train",
        "encore.sha256": digest,
    }
    log.finish("FINISHED")


@pytest.mark.parametrize(
    ("metric", "greater"), [("val/accuracy", "true"), ("val/loss", "false"), ("latency_p50_ms", "false")]
)
def test_experiment_names_its_primary_metric(store: Store, metric: str, greater: str, start: Start) -> None:
    start(store, experiment=Experiment("reviews", metric, greater == "true")).finish("FINISHED")
    experiment = store.client.get_experiment_by_name("reviews")
    assert experiment is not None
    assert experiment.tags["mlflow.experiment.primaryMetric.name"] == metric
    assert experiment.tags["mlflow.experiment.primaryMetric.greaterIsBetter"] == greater


def test_everything_lies_under_the_root(store: Store, root: Path, start: Start) -> None:
    log = start(store, experiment=Experiment("a / strange? #name", "val/accuracy"))
    log.log_text("hello", "notes/a.txt")
    log.finish("FINISHED")
    file = store.artifact(store.find(log.run_id), "notes/a.txt")
    assert file.read_text() == "hello"
    assert file.is_relative_to(root / "artifacts")
    assert log.local_artifacts() == file.parent.parent


def test_any_unique_prefix_finds_a_run(store: Store, start: Start) -> None:
    ids: list[str] = []
    while len({run_id[0] for run_id in ids}) == len(ids):  # 17 runs at most: then two ids share a digit
        log = start(store, f"number {len(ids)}")
        log.finish("FINISHED")
        ids.append(log.run_id)
    shared = ids[-1][0]
    alike = [number for number, run_id in enumerate(ids) if run_id[0] == shared]
    for number, run_id in enumerate(ids):
        assert store.find(run_id[:20]).name == f"number {number}"
    with pytest.raises(UserError, match="several runs") as error:
        store.find(shared)
    assert all(f"number {number}" in str(error.value) for number in alike)


@pytest.mark.parametrize("prefix", ["0" * 32, "zz", "", "%", "a' OR 1=1"])
def test_unknown_run_is_said_in_one_line(store: Store, prefix: str) -> None:
    with pytest.raises(UserError, match=r"encore runs") as error:
        store.find(prefix)
    assert "\n" not in str(error.value)


def test_runs_newest_first_by_experiment_parent_and_tag(store: Store, start: Start) -> None:
    parent = start(store, "parent")
    children = [
        start(store, f"child {i}", parent_id=parent.run_id, tags={"n": f"it's {i}"}) for i in range(3)
    ]
    other = start(store, "other", experiment=Experiment("stories", "val/accuracy"))
    for log in [*children, parent, other]:
        log.finish("FINISHED")
    assert store.runs()[0].name == "other"
    assert [run.name for run in store.runs(limit=2)] == ["other", "child 2"]
    assert [run.name for run in store.runs(parent_id=parent.run_id)] == ["child 2", "child 1", "child 0"]
    assert [run.name for run in store.runs(tags={"n": "it's 1"})] == ["child 1"]
    assert [run.name for run in store.runs(experiment="stories")] == ["other"]
    assert store.runs(experiment="none such") == []


def test_missing_artifact_is_named(store: Store, start: Start) -> None:
    log = start(store)
    log.finish("FINISHED")
    with pytest.raises(UserError, match=r"run/config\.json"):
        store.artifact(store.find(log.run_id), "run/config.json")


def test_more_can_be_written_to_a_run_that_has_ended(store: Store, start: Start) -> None:
    log = start(store)
    log.finish("FINISHED")
    ended = store.find(log.run_id)
    again = store.attach(log.run_id)
    again.log_summary({"export/int8/accuracy": 0.9})
    again.close()
    record = store.find(log.run_id)
    assert record.metrics["export/int8/accuracy"] == 0.9
    assert (record.status, record.end_ms) == ("FINISHED", ended.end_ms)


def test_a_killed_run_goes_on(store: Store, start: Start) -> None:
    log = start(store)
    log.finish("KILLED", reason="interrupted")
    assert store.find(log.run_id).tags["encore.killed_because"] == "interrupted"
    again = store.attach(log.run_id, running=True)
    record = store.find(log.run_id)
    assert record.status == "RUNNING"
    assert "encore.killed_because" not in record.tags
    again.finish("FINISHED")
    assert store.find(log.run_id).status == "FINISHED"


def test_runs_that_begin_at_once_may_read_the_same_rows(store: Store, root: Path) -> None:
    waiting = threading.Barrier(4, timeout=60)

    def begins(number: int) -> str:
        client = Store.open(root).client
        run_id = client.create_run("0").info.run_id
        for turn in range(5):
            rows = [DatasetInput(f"d{n}", f"s{n}", f"{turn}{n}" * 20, 3, "here") for n in range(4)]
            waiting.wait()
            log_inputs(client, run_id, rows)
        return run_id

    with ThreadPoolExecutor(4) as pool:
        run_ids = list(pool.map(begins, range(4)))
    for run_id in run_ids:
        assert len(store.client.get_run(run_id).inputs.dataset_inputs) == 20


def test_a_run_has_one_writer(store: Store, start: Start) -> None:
    log = start(store)
    with pytest.raises(UserError, match="being written"):
        store.attach(log.run_id)
    log.finish("FINISHED")


_LIVE_OWNER = """
import sys
from pathlib import Path
from tracking.entities import Experiment
from tracking.store import Store


log = Store.open(Path(sys.argv[1])).start_run(
    experiment=Experiment("e", "m"), name="n", params={}, tags={}, description="")
log.log_metrics({"m": 1.0}, 1)
print(log.run_id, flush=True)
sys.stdin.readline()
log.finish("FINISHED")
"""


@pytest.mark.slow
def test_a_living_process_keeps_its_run(root: Path, child: Child, open_quietly: Open) -> None:
    process = child(_LIVE_OWNER, root)
    assert process.stdout is not None
    run_id = process.stdout.readline().strip()
    store = open_quietly(root)
    assert store.find(run_id).status == "RUNNING"
    with pytest.raises(UserError, match=f"process {process.pid}"):
        store.attach(run_id)
    out, err = process.communicate("go on\n")
    assert process.returncode == 0, out + err
    assert store.find(run_id).status == "FINISHED"
    assert store.find(run_id).metrics["m"] == 1.0


_CREATE = (
    "import sys; from pathlib import Path; from tracking.store import Store; Store.open(Path(sys.argv[1]))"
)


@pytest.mark.slow
def test_two_processes_may_create_one_store(
    tmp_path: Path, child: Child, open_quietly: Open, start: Start
) -> None:
    processes = [child(_CREATE, tmp_path / "mlruns") for _ in range(2)]
    for process in processes:
        _, err = process.communicate()
        assert process.returncode == 0, err
    start(open_quietly(tmp_path / "mlruns")).finish("FINISHED")


@pytest.mark.slow
def test_a_creation_that_was_killed_leaves_no_half_store(
    tmp_path: Path, child: Child, open_quietly: Open, start: Start
) -> None:
    root = tmp_path / "mlruns"
    process = child(_CREATE, root)
    while not list(root.glob(".mlflow.db.partial-*")) and process.poll() is None:
        pass
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert not (root / "mlflow.db").exists()
    start(open_quietly(root)).finish("FINISHED")
