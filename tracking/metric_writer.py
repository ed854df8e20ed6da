"""Where records of a run arrive: MLflow's client, or for SQLite the two metric tables themselves.

`log_batch` on SQLite costs 100 to 200 ms of CPU per 1,000 points, all of it under the interpreter's
lock and so taken from the training loop: object-relational bookkeeping, not SQL. Writing the same
rows directly takes a few milliseconds. It is done only while both tables look exactly as known
here; a test compares the rows of both ways.
"""

from __future__ import annotations

import math
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, TypeVar

from host.sqlite import LOCK_WAIT_S
from tracking.addresses import sqlite_path
from tracking.faults import deleted_meanwhile, explained
from tracking.records import Record

if TYPE_CHECKING:
    from mlflow.tracking import MlflowClient

MAX_POINTS = 1000  # of one log_batch call, by MLflow's REST contract
_MAX_TAGS = 100  # likewise, also for params
SQL_INFINITY = 1.7976931348623157e308  # what MLflow's SQL stores keep for an infinity

_METRIC_COLUMNS = ["key", "value", "timestamp", "run_uuid", "step", "is_nan"]


@dataclass(frozen=True)
class Point:
    key: str
    value: float
    time_ms: int
    step: int


def summarised(value: float) -> float:
    """A final number as tables show it, four significant digits: MLflow prints whatever digits are stored.

    The artifacts of a run have it whole. A whole number stays.
    """
    exact = float(value)
    return exact if not math.isfinite(exact) or exact.is_integer() else float(f"{exact:.4g}")


@dataclass(frozen=True)
class Batch:
    """What goes to the store in one piece, and how many records it covers."""

    records: int
    points: list[Point]
    tags: dict[str, str]
    params: dict[str, str]


class MetricWriter(Protocol):
    """Takes a batch; taking it again changes nothing.

    Raises:
        UserError: the store cannot be written now (locked, away, full), refuses the batch, or the run was deleted.
    """

    def write(self, run_id: str, batch: Batch) -> None: ...


def open_writer(client: MlflowClient, uri: str) -> MetricWriter:
    if uri.startswith("sqlite:") and _has_known_tables(sqlite_path(uri)):
        return SqliteWriter(sqlite_path(uri), ClientWriter(client, uri))
    return ClientWriter(client, uri)


def next_batch(records: Sequence[Record]) -> Batch:
    """The leading records that together reach 1,000 points (at least one record, if there is any)."""
    points: list[Point] = []
    tags: dict[str, str] = {}
    params: dict[str, str] = {}
    taken = 0
    for record in records:
        if taken and len(points) + len(record.metrics) > MAX_POINTS:
            break
        points.extend(Point(key, value, record.time_ms, record.step) for key, value in record.metrics.items())
        tags.update(record.tags)
        params.update(record.params)
        taken += 1
    return Batch(taken, points, tags, params)


class ClientWriter:
    """Any store, through MLflow's client."""

    def __init__(self, client: MlflowClient, uri: str) -> None:
        self._client = client
        self._uri = uri

    def write(self, run_id: str, batch: Batch) -> None:
        from mlflow.entities import Metric, Param, RunTag

        metrics = [Metric(p.key, p.value, p.time_ms, p.step) for p in batch.points]
        with explained(self._uri):
            for part in parts(metrics, MAX_POINTS):
                self._client.log_batch(run_id, metrics=part)
            for part in parts([RunTag(*item) for item in batch.tags.items()], _MAX_TAGS):
                self._client.log_batch(run_id, tags=part)
            for part in parts([Param(*item) for item in batch.params.items()], _MAX_TAGS):
                self._client.log_batch(run_id, params=part)


class SqliteWriter:
    """A SQLite store: metrics as rows, the rare rest through MLflow's client."""

    def __init__(self, path: Path, rest: ClientWriter) -> None:
        self._path = path
        self._rest = rest

    def write(self, run_id: str, batch: Batch) -> None:
        if batch.points:
            self._write_points(run_id, batch.points)
        if batch.tags or batch.params:
            self._rest.write(run_id, Batch(batch.records, [], batch.tags, batch.params))

    def _write_points(self, run_id: str, points: list[Point]) -> None:
        rows = [_row(run_id, point) for point in points]
        with (
            explained(f"sqlite:///{self._path}"),
            closing(sqlite3.connect(self._path, timeout=LOCK_WAIT_S, isolation_level=None)) as connection,
        ):
            connection.execute("BEGIN IMMEDIATE")
            _require_active(connection, run_id, self._path)
            connection.executemany(_INSERT, rows)
            connection.executemany(_UPSERT_LATEST, _latest(rows))
            connection.execute("COMMIT")


T = TypeVar("T")
Row = tuple[str, float, int, str, int, bool]

_INSERT = """
INSERT INTO metrics (key, value, timestamp, run_uuid, step, is_nan) VALUES (?, ?, ?, ?, ?, ?)
ON CONFLICT DO NOTHING
"""
# MLflow's rule for the latest value: the greatest of (step, timestamp, value).
_UPSERT_LATEST = """
INSERT INTO latest_metrics (key, value, timestamp, run_uuid, step, is_nan) VALUES (?, ?, ?, ?, ?, ?)
ON CONFLICT (key, run_uuid) DO UPDATE SET
    value = excluded.value, timestamp = excluded.timestamp, step = excluded.step, is_nan = excluded.is_nan
WHERE (excluded.step, excluded.timestamp, excluded.value)
    > (latest_metrics.step, latest_metrics.timestamp, latest_metrics.value)
"""


def _row(run_id: str, point: Point) -> Row:
    """SQL knows neither NaN (stored as 0 and a flag) nor infinity (stored as the greatest float)."""
    value = point.value
    if math.isnan(value):
        return point.key, 0.0, point.time_ms, run_id, point.step, True
    if math.isinf(value):
        value = math.copysign(SQL_INFINITY, value)
    return point.key, value, point.time_ms, run_id, point.step, False


def _latest(rows: list[Row]) -> list[Row]:
    latest: dict[str, Row] = {}
    for row in rows:
        known = latest.get(row[0])
        if known is None or (row[4], row[2], row[1]) > (known[4], known[2], known[1]):
            latest[row[0]] = row
    return list(latest.values())


def _require_active(connection: sqlite3.Connection, run_id: str, path: Path) -> None:
    row = connection.execute("SELECT lifecycle_stage FROM runs WHERE run_uuid = ?", (run_id,)).fetchone()
    if row is None or row[0] != "active":
        raise deleted_meanwhile(f"run {run_id} in {path}")


def _has_known_tables(path: Path) -> bool:
    with (
        explained(f"sqlite:///{path}"),
        closing(sqlite3.connect(path, timeout=LOCK_WAIT_S)) as connection,
    ):
        return all(
            sorted(row[1] for row in connection.execute(f"PRAGMA table_info({table})"))
            == sorted(_METRIC_COLUMNS)
            for table in ("metrics", "latest_metrics")
        )


def parts(items: Sequence[T], size: int) -> Iterator[list[T]]:
    """`items` in lists of at most `size`."""
    source = iter(items)
    while part := list(islice(source, size)):
        yield part
