from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from host.process import Owner
from tracking.recovery import OWNER_TAG
from tracking.run_log import RunLog
from tracking.store import Store

Start = Callable[..., RunLog]
Open = Callable[..., Store]
Child = Callable[..., subprocess.Popen[str]]

_LOGS_AND_WAITS = """
import sys
from pathlib import Path
from tracking.entities import Experiment
from tracking.store import Store
store = Store.open(Path(sys.argv[1]))
store.send_every_s = float(sys.argv[2])
log = store.start_run(experiment=Experiment("e", "m"), name="n", params={}, tags={}, description="")
with log.folder("done") as folder:
    (folder / "a").write_text("a")
for step in range(2000):
    log.log_metrics({"loss": step / 7, "lr": step * 1e-5}, step)
log.set_tags({"late": "tag"})
unfinished = log.folder("half")
(unfinished.__enter__() / "b").write_text("b")
print(log.run_id, flush=True)
sys.stdin.readline()
"""


@pytest.mark.slow
@pytest.mark.parametrize("send_every_s", [3600.0, pytest.param(0.05, marks=pytest.mark.slow)])
def test_a_killed_process_loses_nothing_that_it_logged(
    root: Path, child: Child, send_every_s: float, open_quietly: Open
) -> None:
    process = child(_LOGS_AND_WAITS, root, send_every_s)
    assert process.stdout is not None
    run_id = process.stdout.readline().strip()
    os.kill(process.pid, signal.SIGKILL)  # and not reaped: a zombie does not live
    store = _after_death(open_quietly, root, run_id)
    record = store.find(run_id)
    assert record.status == "KILLED"
    assert record.tags["encore.killed_because"] == "lost owner"
    assert record.tags["late"] == "tag"
    assert store.metric_history(run_id, "loss") == [(step, step / 7) for step in range(2000)]
    assert record.end_ms is not None
    assert record.end_ms >= record.start_ms
    assert store.artifact(record, "done/a").read_text() == "a"
    assert [path.name for path in store.artifact(record, "done").parent.iterdir()] == ["done"]
    assert not list(store.journal_folder.glob("*.jsonl"))


def _after_death(open_quietly: Open, root: Path, run_id: str) -> Store:
    """Open until the kernel has let go of the dead process's lock; each opening replays."""
    while (store := open_quietly(root)).find(run_id).status == "RUNNING":
        pass
    return store


def test_replaying_twice_changes_nothing(store: Store, root: Path, open_quietly: Open, start: Start) -> None:
    log = start(store)
    log.log_metrics({"a": 1.0}, 1)
    journal = store.journal_folder / f"{log.run_id}.jsonl"
    copy = journal.read_bytes()
    log.finish("FINISHED")
    before = store.find(log.run_id)
    journal.write_bytes(copy)  # as if the process had died just before it removed the file
    assert open_quietly(root).find(log.run_id) == before
    assert store.metric_history(log.run_id, "a") == [(1, 1.0)]
    assert not journal.exists()


def test_a_run_that_died_before_its_journal_is_ended(store: Store, root: Path, open_quietly: Open) -> None:
    here = Owner.current()
    dead = Owner(here.host, here.pid, here.started_s - 1000)
    elsewhere = Owner("another-host", 1, 1.0)
    owners = {"dead": str(dead), "living": str(here), "elsewhere": str(elsewhere), "foreign": "x"}
    ids = {
        name: store.client.create_run("0", tags={OWNER_TAG: owner}).info.run_id
        for name, owner in owners.items()
    }
    again = open_quietly(root)
    status = {name: again.find(run_id).status for name, run_id in ids.items()}
    assert status == {"dead": "KILLED", "living": "RUNNING", "elsewhere": "RUNNING", "foreign": "RUNNING"}


def test_other_stores_and_other_hosts_are_left_alone(
    store: Store, root: Path, open_quietly: Open, start: Start
) -> None:
    log = start(store)
    log._journal.close()  # as a death would
    path = store.journal_folder / f"{log.run_id}.jsonl"
    header = json.loads(path.read_text().splitlines()[0])
    for change in ({"uri": "http://elsewhere"}, {"owner": "another-host:1:1.0"}):
        path.write_text(json.dumps({**header, **change}) + "\n")
        assert open_quietly(root).find(log.run_id).status == "RUNNING"
        assert path.exists()
    path.write_text(json.dumps(header) + "\n")
    assert open_quietly(root).find(log.run_id).status == "KILLED"


def test_a_journal_of_a_run_that_is_gone_is_kept_aside(store: Store, root: Path, open_quietly: Open) -> None:
    header = {"run_id": "0" * 32, "uri": store.uri, "owner": str(Owner.current()), "pid_namespace": 0}
    store.journal_folder.mkdir(exist_ok=True)
    path = store.journal_folder / f"{'0' * 32}.jsonl"
    path.write_text(json.dumps(header) + "\n")
    (store.journal_folder / "broken.jsonl").write_bytes(b"\0")
    open_quietly(root)
    assert sorted(p.name for p in (store.journal_folder / "orphaned").iterdir()) == [
        path.name,
        "broken.jsonl",
    ]
    assert not list(store.journal_folder.glob("*.jsonl"))


_WRITER = """
import sys
from pathlib import Path
from tracking.entities import Experiment
from tracking.store import Store


root, name = Path(sys.argv[1]), sys.argv[2]
store = Store.open(root)
store.send_every_s, store.sample_every_s = 0.05, 0.05
sys.stdin.readline()
for number in range(3):
    log = store.start_run(experiment=Experiment("shared", "m"), name=f"{name}.{number}",
                          params={"n": number}, tags={}, description="")
    for step in range(600):
        log.log_metrics({"loss": float(step), "a": 1.0, "b": 2.0, "c": 3.0}, step)
        if step % 100 == 0:
            log.flush()
    log.log_json({"n": name}, "run/config.json")
    log.finish("FINISHED")
"""


@pytest.mark.slow
def test_four_processes_write_one_store(root: Path, child: Child, open_quietly: Open) -> None:
    processes = [child(_WRITER, root, f"writer{i}") for i in range(4)]
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    for process in processes:
        out, err = process.communicate()
        assert process.returncode == 0, out + err
    store = open_quietly(root)
    runs = store.runs(experiment="shared")
    assert sorted(run.name for run in runs) == [f"writer{i}.{n}" for i in range(4) for n in range(3)]
    for run in runs:
        assert run.status == "FINISHED"
        assert store.metric_history(run.run_id, "loss") == [(step, float(step)) for step in range(600)]
