"""Runs read from MLflow's SQLite tables without MLflow, whose import takes seconds.

Only a database of the schema that the pinned MLflow writes is read so; of any other one MLflow says what is wrong with
it. Read-only connections: nothing is locked that a training writes, and a store on a read-only disk can be looked at.
"""

from __future__ import annotations

import math
import sqlite3
from collections.abc import Generator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

from errors import UserError
from host.sqlite import LOCK_WAIT_S
from tracking.entities import RunRecord
from tracking.faults import explained
from tracking.metric_writer import parts
from tracking.search import PARENT_TAG, SHOWN_CANDIDATES, Point, as_float, checked_id, only_one

SCHEMA = "dc11669786a5"  # alembic_version of MLflow 3
_AT_ONCE = 500  # runs of one query; SQLite takes 999 variables at the least
_ACTIVE = """
FROM runs JOIN experiments USING (experiment_id)
WHERE runs.lifecycle_stage = 'active' AND experiments.lifecycle_stage = 'active' AND workspace = 'default'
"""
_RUNS = f"""
SELECT run_uuid, runs.name, experiments.name, status, start_time, end_time, artifact_uri {_ACTIVE}
"""
_NEWEST_FIRST = " ORDER BY start_time IS NULL, start_time DESC, run_uuid"
_TAGGED = " AND EXISTS (SELECT 1 FROM tags WHERE tags.run_uuid = runs.run_uuid AND key = ? AND value = ?)"


class SqlReader:
    """The runs of the database at `path`."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def find(self, prefix: str) -> RunRecord:
        """The one active run whose ID begins with `prefix`, hex digits. UserError for none or several."""
        with self._connection() as connection:
            begins = " AND substr(run_uuid, 1, ?) = ?"
            rows = self._rows(connection, begins, [len(prefix), prefix], SHOWN_CANDIDATES)
            return only_one(self._records(connection, rows), prefix, str(self.path))

    def search(
        self, *, experiment: str | None, tags: Mapping[str, str], limit: int | None
    ) -> list[RunRecord]:
        """Active runs, newest first."""
        conditions, values = _TAGGED * len(tags), [text for item in tags.items() for text in item]
        if experiment is not None:
            conditions, values = f"{conditions} AND experiments.name = ?", [*values, experiment]
        with self._connection() as connection:
            return self._records(connection, self._rows(connection, conditions, values, limit))

    def histories(self, run_ids: Sequence[str], key: str) -> dict[str, list[Point]]:
        """Every point of a metric, by run, in no order."""
        query = "SELECT run_uuid, step, timestamp, value, is_nan FROM metrics WHERE key = ? AND run_uuid IN"
        found: dict[str, list[Point]] = {run_id: [] for run_id in run_ids}
        with self._connection() as connection:
            for some in parts(run_ids, _AT_ONCE):
                marks = ", ".join("?" * len(some))
                for run_id, step, time, value, nan in connection.execute(f"{query} ({marks})", [key, *some]):
                    found[run_id].append((_whole(step), _whole(time), _number(value, nan)))
        return found

    def running(self) -> list[RunRecord]:
        """The runs that have not ended."""
        with self._connection() as connection:
            return self._records(connection, self._rows(connection, " AND status = 'RUNNING'", [], None))

    def locations(self) -> list[str]:
        """Where the experiments keep their files."""
        with self._connection() as connection:
            return [
                _text(place) for (place,) in connection.execute("SELECT artifact_location FROM experiments")
            ]

    @contextmanager
    def _connection(self) -> Generator[sqlite3.Connection]:
        with explained(f"sqlite:///{self.path}"), closing(_opened(self.path)) as connection:
            yield connection

    def _rows(
        self, connection: sqlite3.Connection, conditions: str, values: Sequence[object], limit: int | None
    ) -> list[tuple[Any, ...]]:
        most = -1 if limit is None else limit
        query = f"{_RUNS}{conditions}{_NEWEST_FIRST} LIMIT ?"
        return connection.execute(query, [*values, most]).fetchall()

    def _records(self, connection: sqlite3.Connection, rows: Sequence[tuple[Any, ...]]) -> list[RunRecord]:
        ids = [checked_id(row[0]) for row in rows]
        params = _by_run(connection, "SELECT run_uuid, key, value FROM params", ids, _text)
        tags = _by_run(connection, "SELECT run_uuid, key, value FROM tags", ids, _text)
        latest = "SELECT run_uuid, key, CASE is_nan WHEN 0 THEN value END FROM latest_metrics"
        metrics = _by_run(connection, latest, ids, lambda value: _number(value, value is None))
        return [
            RunRecord(
                run_id=run_id,
                name=_text(name) or tags[run_id].get("mlflow.runName", ""),
                experiment=_text(experiment),
                status=_text(status),
                params=params[run_id],
                metrics=metrics[run_id],
                tags=tags[run_id],
                start_ms=0 if start is None else _whole(start),
                end_ms=None if end is None else _whole(end),
                parent_id=tags[run_id].get(PARENT_TAG),
                artifact_uri=_text(place),
            )
            for run_id, (_, name, experiment, status, start, end, place) in zip(ids, rows, strict=True)
        ]


def sql_reader(path: Path) -> SqlReader | None:
    """For a database of the known schema; none for any other file, of which MLflow says more."""
    try:
        with closing(_opened(path)) as connection:
            found = connection.execute("SELECT version_num FROM alembic_version").fetchall()
    except Exception:  # noqa: BLE001 whatever it is, MLflow meets it too and `explained` tells it
        return None
    return SqlReader(path) if found == [(SCHEMA,)] else None


def _opened(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"file:{quote(str(path))}?mode=ro", uri=True, timeout=LOCK_WAIT_S)


def _by_run(
    connection: sqlite3.Connection, query: str, ids: Sequence[str], read: Any
) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {run_id: {} for run_id in ids}
    for some in parts(ids, _AT_ONCE):
        marks = ", ".join("?" * len(some))
        for run_id, key, value in connection.execute(f"{query} WHERE run_uuid IN ({marks})", some):
            found[run_id][_text(key)] = read(value)
    return found


def _text(value: object) -> str:
    """SQLite keeps in a column whatever it is given."""
    if value is None:
        return ""
    if not isinstance(value, str):
        raise _altered(value, "text")
    return value


def _whole(value: object) -> int:
    if not isinstance(value, int):
        raise _altered(value, "whole number")
    return value


def _number(value: object, nan: object) -> float:
    if nan:
        return math.nan
    if not isinstance(value, (int, float)):
        raise _altered(value, "number")
    return as_float(float(value))


def _altered(value: object, kind: str) -> UserError:
    return UserError(
        f"holds {value!r:.60} where a {kind} belongs",
        where="the tracking store",
        cure="It was altered; restore it.",
    )
