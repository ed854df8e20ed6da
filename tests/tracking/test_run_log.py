from __future__ import annotations

import math
import resource
import sqlite3
from collections.abc import Callable, Generator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from errors import UserError
from tracking.limits import check_names, cut_to
from tracking.metric_writer import ClientWriter, SqliteWriter, open_writer
from tracking.metric_writer import next_batch as batch_of
from tracking.records import Record
from tracking.run_log import RunLog
from tracking.store import Store

Start = Callable[..., RunLog]


def test_every_point_arrives(store: Store, start: Start) -> None:
    log = start(store)
    for step in range(1500):
        log.log_metrics({"train/loss": 1 / (step + 1), "train/lr": step * 1e-6}, step)
    log.log_summary({"best/val/accuracy": 0.5})
    log.log_summary({"best/val/accuracy": 0.75})
    log.finish("FINISHED")
    assert store.metric_history(log.run_id, "train/loss") == [(step, 1 / (step + 1)) for step in range(1500)]
    assert store.find(log.run_id).metrics["best/val/accuracy"] == 0.75
    assert not list(store.journal_folder.glob("*.jsonl"))


def test_points_are_sent_while_the_run_goes_on(store: Store, start: Start) -> None:
    store.send_every_s, store.sample_every_s = 0.02, 0.02
    log = start(store)
    log.log_metrics({"a": 1.0}, 1)
    while not store.metric_history(log.run_id, "a"):
        pass
    while not store.metric_history(log.run_id, "system/process_rss_mib"):
        pass
    log.finish("FINISHED")
    record = store.find(log.run_id)
    assert record.metrics["system/process_rss_mib"] > 10
    assert 0 <= record.metrics["system/cpu_percent"] <= 100


def test_numbers_that_are_not_finite_stay_what_they_are(store: Store, start: Start) -> None:
    log = start(store)
    log.log_metrics({"up": math.inf, "down": -math.inf, "none": math.nan, "fine": 1.0}, 7)
    log.log_metrics({"up": math.inf}, 8)
    log.finish("FINISHED")
    record = store.find(log.run_id)
    assert record.metrics["up"] == math.inf
    assert record.metrics["down"] == -math.inf
    assert math.isnan(record.metrics["none"])
    assert store.metric_history(log.run_id, "up") == [(7, math.inf), (8, math.inf)]
    tags = {key: value for key, value in record.tags.items() if key.startswith("encore.nonfinite/")}
    assert tags == {
        "encore.nonfinite/up": "inf, first at step 7",
        "encore.nonfinite/down": "-inf, first at step 7",
        "encore.nonfinite/none": "nan, first at step 7",
    }


@given(name=st.text(st.sampled_from("aZé5_-. :/#\0%"), max_size=6))
def test_names_are_refused_at_once_where_mlflow_would_refuse_them_later(name: str) -> None:
    from mlflow.exceptions import MlflowException
    from mlflow.utils.validation import _validate_metric_name

    try:
        _validate_metric_name(name)
    except MlflowException:
        with pytest.raises(ValueError, match="MLflow takes"):
            check_names([name])
    else:
        check_names([name] if name else [])


@pytest.mark.parametrize("wrong", [{"params": {"a//b": 1}}, {"tags": {"": "x"}}])
def test_a_run_with_a_wrong_name_is_not_started(store: Store, start: Start, wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="MLflow takes"):
        start(store, **wrong)
    assert store.runs() == []


def test_text_that_no_database_holds_is_escaped(store: Store, start: Start) -> None:
    log = start(store, params={"path": "a\udce9"}, tags={"t": "\0"})
    log.finish("FINISHED")
    record = store.find(log.run_id)
    assert (record.params["path"], record.tags["t"]) == ("a\\udce9", "\\0")


def test_a_param_cannot_change(store: Store, start: Start) -> None:
    log = start(store, params={"lr": 0.1})
    log.log_params({"lr": 0.1, "warmup": 10})
    with pytest.raises(ValueError, match="lr"):
        log.log_params({"lr": 0.2})
    log.finish("FINISHED")
    assert store.find(log.run_id).params == {"lr": "0.1", "warmup": "10"}


def test_a_failure_says_why(store: Store, start: Start) -> None:
    log = start(store)
    log.finish("FAILED", reason="loss is nan at step 3", traceback="Traceback …\nboom\n")
    record = store.find(log.run_id)
    assert record.status == "FAILED"
    assert record.tags["encore.failed_because"] == "loss is nan at step 3"
    assert store.artifact(record, "run/traceback.txt").read_text() == "Traceback …\nboom\n"


def test_bytes_that_are_no_text_come_back_as_they_were(store: Store, start: Start) -> None:
    log = start(store)
    log.log_text(b"caf\xe9\r\n".decode(errors="surrogateescape"), "a.patch")
    log.finish("FINISHED")
    assert store.artifact(store.find(log.run_id), "a.patch").read_bytes() == b"caf\xe9\r\n"


def _fail_in_the_middle(log: RunLog) -> None:
    with log.folder("export/int8") as folder:
        (folder / "model.onnx").write_text("half")
        folder.write_text("fails: it is a folder")


def test_a_folder_appears_whole_or_not_at_all(store: Store, start: Start) -> None:
    log = start(store)
    with log.folder("export/int8") as folder:
        (folder / "model.onnx").write_text("old")
        (folder / "only_old").write_text("")
    with pytest.raises(IsADirectoryError):
        _fail_in_the_middle(log)
    record = store.find(log.run_id)
    assert store.artifact(record, "export/int8/model.onnx").read_text() == "old"
    with log.folder("export/int8") as folder:
        (folder / "model.onnx").write_text("new")
    top = store.artifact(record, "export")
    assert sorted(str(p.relative_to(top)) for p in top.rglob("*")) == ["int8", "int8/model.onnx"]
    assert (top / "int8" / "model.onnx").read_text() == "new"
    log.finish("FINISHED")


def test_json_is_written_readably(store: Store, start: Start) -> None:
    log = start(store)
    log.log_json({"é": [1, None]}, "run/config.json")
    log.finish("FINISHED")
    record = store.find(log.run_id)
    assert store.artifact(record, "run/config.json").read_text() == '{\n  "é": [\n    1,\n    null\n  ]\n}\n'


@pytest.mark.parametrize("path", ["../x", "/etc/passwd", "a/../../b", ""])
def test_an_artifact_stays_inside_its_run(store: Store, path: str, start: Start) -> None:
    log = start(store)
    with pytest.raises(ValueError, match="inside the run"):
        log.log_text("x", path)
    log.finish("FINISHED")


def test_what_a_locked_store_cannot_take_is_sent_by_the_next_command(
    store: Store, root: Path, monkeypatch: pytest.MonkeyPatch, start: Start
) -> None:
    monkeypatch.setattr("tracking.metric_writer.LOCK_WAIT_S", 0.1)
    log = start(store)
    log.log_metrics({"a": 1.0}, 1)
    with closing(sqlite3.connect(root / "mlflow.db", isolation_level=None)) as holder:
        holder.execute("BEGIN EXCLUSIVE")
        with pytest.raises(UserError, match="next encore command"):
            log.finish("FAILED", reason="because", traceback="trace")
    assert store.metric_history(log.run_id, "a") == []
    record = Store.open(root).find(log.run_id)
    assert record.metrics["a"] == 1.0
    assert record.status == "FAILED"
    assert record.tags["encore.failed_because"] == "because"
    assert store.artifact(record, "run/traceback.txt").read_text() == "trace"


@contextmanager
def _files_no_longer_than(bytes_: int) -> Generator[None]:
    """As on a full disk: what is longer, such as the database, cannot be written."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (bytes_, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.parametrize("reason", ["the disk is full", "caf\udce9", "long " * 500])
def test_a_run_that_fails_on_a_full_disk_says_why(
    store: Store, root: Path, start: Start, reason: str
) -> None:
    log = start(store)
    log.log_metrics({"a": 1.0}, 1)
    journal = root / "journal" / f"{log.run_id}.jsonl"
    with _files_no_longer_than(journal.stat().st_size), pytest.raises(UserError):
        log.finish("FAILED", reason=reason)
    record = Store.open(root).find(log.run_id)
    assert (record.status, record.metrics["a"]) == ("FAILED", 1.0)
    told = reason.encode(errors="backslashreplace").decode()
    assert record.tags["encore.failed_because"] == told[:300]


def test_a_run_whose_files_could_not_be_sealed_has_not_finished(
    store: Store, root: Path, start: Start
) -> None:
    log = start(store)
    log.log_text("x", "run/more.txt")
    journal = root / "journal" / f"{log.run_id}.jsonl"
    with _files_no_longer_than(journal.stat().st_size), pytest.raises(UserError):
        log.finish("FINISHED")
    record = Store.open(root).find(log.run_id)
    assert record.status == "FAILED"
    assert record.tags["encore.failed_because"].startswith("its files could not be sealed")


def test_a_long_reason_that_was_sent_later_is_whole(
    store: Store, root: Path, monkeypatch: pytest.MonkeyPatch, start: Start
) -> None:
    monkeypatch.setattr("tracking.metric_writer.LOCK_WAIT_S", 0.1)
    log, reason = start(store), "long " * 200 + "end"
    log.log_metrics({"a": 1.0}, 1)  # which is sent first, and waits no longer for a lock than it is told
    with closing(sqlite3.connect(root / "mlflow.db", isolation_level=None)) as holder:
        holder.execute("BEGIN EXCLUSIVE")
        with pytest.raises(UserError, match="next encore command"):
            log.finish("FAILED", reason=reason)
    assert Store.open(root).find(log.run_id).tags["encore.failed_because"] == reason


def test_a_run_deleted_meanwhile_is_said(store: Store, start: Start) -> None:
    log = start(store)
    store.client.delete_run(log.run_id)
    log.log_metrics({"a": 1.0}, 1)
    with pytest.raises(UserError, match="deleted"):
        log.finish("FINISHED")
    store.client.restore_run(log.run_id)
    assert Store.open(store.root).find(log.run_id).metrics["a"] == 1.0


_COLUMNS = "key, value, timestamp, step, is_nan, typeof(value), typeof(is_nan)"
_ROWS = " UNION ALL ".join(
    f"SELECT '{table}', {_COLUMNS} FROM {table} WHERE run_uuid = :run"  # noqa: S608
    for table in ("metrics", "latest_metrics")
)


def _rows(root: Path, run_id: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(root / "mlflow.db")) as connection:
        return sorted(connection.execute(_ROWS, {"run": run_id}).fetchall())


_records = st.lists(
    st.builds(
        lambda metrics, step, time_ms: Record(metrics, step, time_ms),
        metrics=st.dictionaries(st.sampled_from(["a", "b/c", "d e"]), st.floats(), min_size=1),
        step=st.integers(-3, 5),
        time_ms=st.integers(1, 4),
    ),
    min_size=1,
    max_size=12,
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(records=_records)
def test_direct_rows_equal_those_of_mlflows_own_way(store: Store, root: Path, records: list[Record]) -> None:
    direct, client = open_writer(store.client, store.uri), ClientWriter(store.client, store.uri)
    assert isinstance(direct, SqliteWriter)
    experiment = store.client.create_experiment(f"e{len(store.client.search_experiments())}")
    runs = [store.client.create_run(experiment).info.run_id for _ in range(2)]
    for run_id, sink in zip(runs, (direct, client), strict=True):
        half = len(records) // 2
        for part in (
            records[:half],
            records[half:],
            records[half:],
        ):  # the last part twice: it must not matter
            if part:
                sink.write(run_id, batch_of(part))
    assert _rows(root, runs[0]) == _rows(root, runs[1])


@given(sizes=st.lists(st.integers(0, 700), max_size=20))
def test_batches_cover_all_records_in_order(sizes: list[int]) -> None:
    records = [Record(metrics={f"m{i}": 0.0 for i in range(size)}, step=n) for n, size in enumerate(sizes)]
    left, batches = records, []
    while left:
        batches.append(batch_of(left))
        left = left[batches[-1].records :]
    assert all(batch.records >= 1 and len(batch.points) <= 1000 for batch in batches)
    assert [point.step for batch in batches for point in batch.points] == [
        record.step for record in records for _ in record.metrics
    ]


@settings(max_examples=50)
@given(text=st.text("ab é", max_size=300), limit=st.integers(100, 200))
def test_a_long_value_is_cut_and_says_so(text: str, limit: int) -> None:
    fitted = cut_to(text, limit)
    assert len(fitted) <= limit
    assert fitted == text or ("sha256:" in fitted and len(text) > limit)
