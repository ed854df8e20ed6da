"""Against a real MLflow server, over loopback. Slow: the server takes seconds to start."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from errors import UserError
from tracking.run_log import RunLog
from tracking.store import Store

Start = Callable[..., RunLog]
Open = Callable[..., Store]

pytestmark = pytest.mark.slow


def test_a_whole_run(server: Any, tmp_path: Path, open_quietly: Open, start: Start) -> None:
    store = open_quietly(tmp_path / "mlruns", server.uri)
    log = start(store, "over http", params={f"p{i}": i for i in range(150)})
    for step in range(700):
        log.log_metrics({"loss": step / 3, "inf": math.inf, "nan": math.nan}, step)
    log.log_json({"a": 1}, "run/config.json")
    with log.folder("export/int8") as folder:
        (folder / "model.onnx").write_bytes(b"\0" * 1000)
    assert log.local_artifacts() is None
    log.finish("FINISHED")
    record = store.find(log.run_id[:12])
    assert (record.name, record.status, len(record.params)) == ("over http", "FINISHED", 150)
    assert store.metric_history(log.run_id, "loss") == [(step, step / 3) for step in range(700)]
    assert record.metrics["inf"] == math.inf
    assert math.isnan(record.metrics["nan"])
    assert store.artifact(record, "run/config.json").read_text() == '{\n  "a": 1\n}\n'
    assert store.artifact(record, "export/int8/model.onnx").stat().st_size == 1000
    assert store.artifact(record, "export").is_dir()
    with pytest.raises(UserError, match=r"no artifact run/none\.json"):
        store.artifact(record, "run/none.json")
    assert [path.name for path in (tmp_path / "mlruns" / "journal").iterdir()] == [".replay.lock"]


def test_a_server_that_goes_away_costs_nothing(
    server: Any, tmp_path: Path, open_quietly: Open, start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    root = tmp_path / "mlruns"
    store = open_quietly(root, server.uri)
    store.send_every_s = 0.05
    log = start(store)
    log.log_metrics({"loss": 0.0}, 0)
    server.stop()
    try:
        for step in range(1, 1500):
            log.log_metrics({"loss": float(step)}, step)
        with pytest.raises(UserError, match="wait in"):
            log.log_text("kept", "notes.txt")
        with pytest.raises(UserError, match="next encore command"):
            log.finish("FINISHED")
    finally:
        server.start()
    again = open_quietly(root, server.uri)
    record = again.find(log.run_id)
    assert record.status == "FINISHED"
    assert again.metric_history(log.run_id, "loss") == [(step, float(step)) for step in range(1500)]
    assert again.artifact(record, "notes.txt").read_text() == "kept"
    assert [path.name for path in (root / "journal").iterdir()] == [".replay.lock"]
