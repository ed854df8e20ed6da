"""Runs read from MLflow's SQLite tables without MLflow, whose import takes seconds.

Only a database of the schema that the pinned MLflow writes is read so; of any other one MLflow says what is wrong with
it. Read-only connections: nothing is locked that a training writes, and a store on a read-only disk can be looked at.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Generator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import quote

from host.sqlite import LOCK_WAIT_S
from tracking.entities import Keys, RunRecord, Version
from tracking.faults import explained
from tracking.metric_writer import parts
from tracking.search import PARENT_TAG, SHOWN_CANDIDATES, Point, checked_id, only_one
from tracking.sql_registry import aliases_of, version_of
from tracking.sql_values import number_of, text_of, whole_of

SCHEMA = "dc11669786a5"  # alembic_version of MLflow 3
_NAME_TAG = "mlflow.runName"
_AT_ONCE = 500  # runs of one query; SQLite takes 999 variables at the least
_OF_STAGE = """
FROM runs JOIN experiments USING (experiment_id)
WHERE runs.lifecycle_stage = ? AND experiments.lifecycle_stage = 'active' AND workspace = 'default'
"""
_RUNS = f"""
SELECT run_uuid, runs.name, experiments.name, status, start_time, end_time, artifact_uri {_OF_STAGE}
"""
# Every name of a table once: the index begins with it, so that each next one is a single look.
_NAMES = """
WITH RECURSIVE names(name) AS (
    SELECT min(key) FROM {table}
    UNION ALL SELECT (SELECT min(key) FROM {table} WHERE key > name) FROM names WHERE name IS NOT NULL
)
SELECT name FROM names WHERE EXISTS (SELECT 1 FROM {table} WHERE key = name AND run_uuid IN ({runs}))
"""
_CARRIED = {
    "params": "SELECT run_uuid, key, value FROM params",
    "latest_metrics": "SELECT run_uuid, key, CASE is_nan WHEN 0 THEN value END FROM latest_metrics",
    "tags": "SELECT run_uuid, key, value FROM tags",
}
_EXPERIMENTS = """
SELECT experiment_id, name FROM experiments WHERE lifecycle_stage = 'active' AND workspace = 'default'
"""
_NEWEST_FIRST = " ORDER BY start_time IS NULL, start_time DESC, run_uuid"
_TAGGED = " AND EXISTS (SELECT 1 FROM tags WHERE tags.run_uuid = runs.run_uuid AND key = ? AND value = ?)"


class SqlReader:
    """The runs of the database at `path`."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def find(self, prefix: str, *, deleted: bool = False) -> RunRecord:
        """The one run whose ID begins with `prefix`, hex digits. UserError for none or several."""
        with self.connection() as connection:
            begins = _Where(" AND substr(run_uuid, 1, ?) = ?", (_stage(deleted), len(prefix), prefix))
            rows = _rows(connection, begins, SHOWN_CANDIDATES)
            return only_one(_records(connection, rows), prefix, str(self.path))

    def search(
        self, *, experiment: str | None, tags: Mapping[str, str], limit: int | None
    ) -> list[RunRecord]:
        """Active runs, newest first."""
        with self.connection() as connection:
            return _records(connection, _rows(connection, _where(experiment, tags), limit))

    def table(self, *, experiment: str | None, tags: Mapping[str, str], deleted: bool) -> SqlTable:
        """Runs of an experiment, with these tags."""
        return SqlTable(self, _where(experiment, tags, deleted=deleted))

    def histories(self, run_ids: Sequence[str], key: str) -> dict[str, list[Point]]:
        """Every point of a metric, by run, in no order."""
        query = "SELECT run_uuid, step, timestamp, value, is_nan FROM metrics WHERE key = ? AND run_uuid IN"
        found: dict[str, list[Point]] = {run_id: [] for run_id in run_ids}
        with self.connection() as connection:
            for some in parts(run_ids, _AT_ONCE):
                marks = ", ".join("?" * len(some))
                for run_id, step, time, value, nan in connection.execute(f"{query} ({marks})", [key, *some]):
                    found[run_id].append((whole_of(step), whole_of(time), number_of(value, nan)))
        return found

    def experiments(self) -> dict[str, dict[str, str]]:
        """The tags of each active experiment, by its name."""
        with self.connection() as connection:
            names = connection.execute(_EXPERIMENTS).fetchall()
            tags = connection.execute("SELECT experiment_id, key, value FROM experiment_tags").fetchall()
        of_each: dict[Any, dict[str, str]] = {}
        for number, key, value in tags:
            of_each.setdefault(number, {})[text_of(key)] = text_of(value)
        return {text_of(name): of_each.get(number, {}) for number, name in names}

    def aliases(self) -> dict[str, dict[str, int]]:
        """Numbers of versions by their aliases, of each registered model by its name."""
        with self.connection() as connection:
            return aliases_of(connection)

    def version(self, model: str, number: int) -> Version:
        """One of a registered model, which has it."""
        with self.connection() as connection:
            return version_of(connection, model, number)

    def running(self) -> list[RunRecord]:
        """The runs that have not ended."""
        with self.connection() as connection:
            return _records(
                connection, _rows(connection, _Where(" AND status = 'RUNNING'", ("active",)), None)
            )

    def locations(self) -> list[str]:
        """Where the experiments keep their files."""
        with self.connection() as connection:
            return [
                text_of(place) for (place,) in connection.execute("SELECT artifact_location FROM experiments")
            ]

    @contextmanager
    def connection(self) -> Generator[sqlite3.Connection]:
        with explained(f"sqlite:///{self.path}"), closing(_opened(self.path)) as connection:
            yield connection


@dataclass(frozen=True)
class _Where:
    """What is added to the conditions of `_RUNS`, and the values of all its marks."""

    conditions: str
    values: tuple[object, ...]


def _where(experiment: str | None, tags: Mapping[str, str], *, deleted: bool = False) -> _Where:
    named = "" if experiment is None else " AND experiments.name = ?"
    values = [text for item in tags.items() for text in item] + ([] if experiment is None else [experiment])
    return _Where(_TAGGED * len(tags) + named, (_stage(deleted), *values))


def _stage(deleted: bool) -> str:
    return "deleted" if deleted else "active"


@dataclass(frozen=True)
class SqlTable:
    """Runs by columns."""

    reader: SqlReader
    where: _Where

    def keys(self) -> Keys:
        """The names of all that any of the runs carries."""
        runs = f"SELECT run_uuid {_OF_STAGE}{self.where.conditions}"
        with self.reader.connection() as connection:
            found = {
                table: connection.execute(_NAMES.format(table=table, runs=runs), self.where.values).fetchall()
                for table in _CARRIED
            }
        return Keys(*(frozenset(text_of(key) for (key,) in names) for names in found.values()))

    def records(self, only: Keys, *, limit: int | None = None) -> list[RunRecord]:
        """Newest first, with what `only` names."""
        with self.reader.connection() as connection:
            return _records(connection, _rows(connection, self.where, limit), only)

    def completed(self, records: Sequence[RunRecord], only: Keys | None = None) -> list[RunRecord]:
        """`records` with what `only` names; none: with all that they carry."""
        with self.reader.connection() as connection:
            params, metrics, tags = _carried(connection, [record.run_id for record in records], only)
        return [
            replace(
                record,
                params=record.params | params[record.run_id],
                metrics=record.metrics | metrics[record.run_id],
                tags=record.tags | tags[record.run_id],
            )
            for record in records
        ]


def _rows(connection: sqlite3.Connection, where: _Where, limit: int | None) -> list[tuple[Any, ...]]:
    most = -1 if limit is None else limit
    query = f"{_RUNS}{where.conditions}{_NEWEST_FIRST} LIMIT ?"
    return connection.execute(query, [*where.values, most]).fetchall()


def _records(
    connection: sqlite3.Connection, rows: Sequence[tuple[Any, ...]], only: Keys | None = None
) -> list[RunRecord]:
    """only: of what they carry, what is read beside their parents; none: all."""
    ids = [checked_id(row[0]) for row in rows]
    wanted = None if only is None else only | Keys(tags=frozenset({PARENT_TAG, _NAME_TAG}))
    params, metrics, tags = _carried(connection, ids, wanted)
    return [
        RunRecord(
            run_id=run_id,
            name=text_of(name) or tags[run_id].get(_NAME_TAG, ""),
            experiment=text_of(experiment),
            status=text_of(status),
            params=params[run_id],
            metrics=metrics[run_id],
            tags=tags[run_id],
            start_ms=0 if start is None else whole_of(start),
            end_ms=None if end is None else whole_of(end),
            parent_id=tags[run_id].get(PARENT_TAG),
            artifact_uri=text_of(place),
        )
        for run_id, (_, name, experiment, status, start, end, place) in zip(ids, rows, strict=True)
    ]


def _carried(
    connection: sqlite3.Connection, ids: Sequence[str], only: Keys | None
) -> tuple[dict[str, dict[str, str]], dict[str, dict[str, float]], dict[str, dict[str, str]]]:
    """Params, metrics and tags, by run. only: those of these names; none: all."""
    params = _by_run(connection, "params", ids, None if only is None else only.params, text_of)
    metrics = _by_run(
        connection,
        "latest_metrics",
        ids,
        None if only is None else only.metrics,
        lambda value: number_of(value, value is None),
    )
    tags = _by_run(connection, "tags", ids, None if only is None else only.tags, text_of)
    return params, metrics, tags


def sql_reader(path: Path) -> SqlReader | None:
    """For a database of the known schema; none for any other file, of which MLflow says more."""
    try:
        with closing(_opened(path)) as connection:
            found = connection.execute("SELECT version_num FROM alembic_version").fetchall()
    except Exception:  # noqa: BLE001 whatever it is, MLflow meets it too and `explained` tells it
        return None
    return SqlReader(path) if found == [(SCHEMA,)] else None


def _opened(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(f"file:{quote(str(path))}?mode=ro", uri=True, timeout=LOCK_WAIT_S)
    connection.text_factory = _decoded
    return connection


def _decoded(raw: bytes) -> str:
    """What is no UTF-8 is shown as the escapes of its bytes."""
    return raw.decode(errors="surrogateescape")


def _by_run(
    connection: sqlite3.Connection, table: str, ids: Sequence[str], keys: frozenset[str] | None, read: Any
) -> dict[str, dict[str, Any]]:
    """By names for many runs, else run by run: an index begins with the one and with the other."""
    found: dict[str, dict[str, Any]] = {run_id: {} for run_id in ids}
    by_name = keys is not None and len(ids) > _AT_ONCE
    column, wanted = ("key", sorted(keys or ())) if by_name else ("run_uuid", ids)
    for some in parts(wanted, _AT_ONCE):
        marks = ", ".join("?" * len(some))
        for run_id, key, value in connection.execute(f"{_CARRIED[table]} WHERE {column} IN ({marks})", some):
            if run_id in found and (keys is None or key in keys):
                found[run_id][text_of(key)] = read(value)
    return found
