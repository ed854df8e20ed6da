"""Many runs put into a store's own tables, as the pinned MLflow writes them: for what looks at them all."""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from tracking.addresses import DATABASE_FILE

METRICS, PARAMS = 60, 80
TRIALS_A_SWEEP = 19
_START_MS = 1_790_000_000_000
_SETTINGS = ("optim.learning_rate", "optim.warmup_ratio", "train.precision", "seed")
_SCORES = ("best/val/accuracy", "test/accuracy", "export/int8/accuracy", "export/int8/size_mib")


def plant(root: Path, runs: int, *, seed: int = 0) -> None:
    """`runs` runs of 60 metrics and 80 params each, most of them trials of sweeps, into the database under `root`."""
    draw = random.Random(seed)  # noqa: S311 no secret
    ids = [f"{draw.getrandbits(128):032x}" for _ in range(runs)]
    with closing(sqlite3.connect(root / DATABASE_FILE)) as connection, connection:
        experiment = connection.execute("SELECT experiment_id FROM experiments LIMIT 1").fetchone()[0]
        rows = [_run(draw, number, run, experiment, root) for number, run in enumerate(ids)]
        connection.executemany(
            "INSERT INTO runs (run_uuid, name, status, start_time, end_time, lifecycle_stage, artifact_uri, "
            "experiment_id) VALUES (?, ?, ?, ?, ?, 'active', ?, ?)",
            rows,
        )
        connection.executemany(
            "INSERT INTO latest_metrics (run_uuid, key, value, timestamp, step, is_nan) VALUES (?, ?, ?, 0, 0, 0)",
            (item for run in ids for item in _metrics(draw, run)),
        )
        connection.executemany(
            "INSERT INTO params (run_uuid, key, value) VALUES (?, ?, ?)",
            (item for run in ids for item in _params(draw, run)),
        )
        connection.executemany(
            "INSERT INTO tags (run_uuid, key, value) VALUES (?, ?, ?)",
            (item for number, run in enumerate(ids) for item in _tags(number, run, ids)),
        )


def _run(draw: random.Random, number: int, run: str, experiment: int, root: Path) -> tuple[object, ...]:
    start = _START_MS + 60_000 * number
    status = draw.choices(["FINISHED", "KILLED", "FAILED"], [80, 17, 3])[0]
    name = f"planted {number:05d} lr={draw.uniform(1e-5, 1e-3):.3g} seed={draw.randrange(10)}"
    return run, name, status, start, start + 50_000, f"file://{root}/artifacts/{run}/artifacts", experiment


def _metrics(draw: random.Random, run: str) -> Iterator[tuple[str, str, float]]:
    for key in _SCORES:
        yield run, key, draw.uniform(0.7, 0.95)
    for number in range(METRICS - len(_SCORES)):
        yield run, f"group{number % 5}/metric_{number:02d}", draw.random()


def _params(draw: random.Random, run: str) -> Iterator[tuple[str, str, str]]:
    values = (
        f"{draw.uniform(1e-5, 1e-3):.6g}",
        f"{draw.random():.3f}",
        "bf16-mixed",
        str(draw.randrange(10)),
    )
    for key, value in zip(_SETTINGS, values, strict=True):
        yield run, key, value
    for number in range(PARAMS - len(_SETTINGS)):
        yield run, f"model.setting_{number:02d}", str(draw.randrange(1000))


def _tags(number: int, run: str, ids: list[str]) -> Iterator[tuple[str, str, str]]:
    parent = number - number % (TRIALS_A_SWEEP + 1)
    yield run, "encore.kind", "sweep" if number == parent else "trial"
    yield run, "mlflow.runName", f"planted {number:05d}"
    yield run, "mlflow.note.content", "A description of some length, as every run has one. " * 8
    if number != parent:
        yield run, "mlflow.parentRunId", ids[parent]
        yield run, "encore.trial", str(number - parent - 1)
