"""A store with runs of every kind, for whoever looks at many: sweeps, pruned, failed and killed trials, seeds, forks,
reproductions, exports, stories and a decoding sweep. All are real and very small; they are trained in this process.
"""

from __future__ import annotations

import math
import os
import shutil
import sqlite3
from collections.abc import Generator, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from unittest.mock import patch
from urllib.parse import unquote, urlsplit
from uuid import uuid4

from experiments.loading import load_experiment
from experiments.reproduction.fork import fork
from experiments.reproduction.reproduce import reproduce
from experiments.stories.generate import generate, trained_writer
from experiments.training.origin import FromScratch, RunIdentity
from experiments.training.train import train
from generation.options import DecodingConfig
from lightning_modules.learner import Learner, NonFiniteLossError
from runs.files import run_named
from sweeps.config import DecodingSweepConfig, SweepConfig
from sweeps.decoding.search import run_decoding_sweep
from sweeps.loading import load_search
from sweeps.report import SweepReport
from sweeps.run import run_sweep
from tracking.addresses import DATABASE_FILE
from tracking.store import Store

_QUICK = [
    "train.threads=1",
    "export.latency_seconds=0",
    "export.scored_examples=200",
    "export.max_accuracy_drop=0.05",
    "export.max_loss_increase=1",
]
_CLASSIFIER = [*_QUICK, "data.train_examples=1600", "data.selection_examples=400", "train.max_epochs=4",
               "model.dim=32", "model.hidden_dim=64", "model.layers=1"]  # fmt: skip
_WRITER = [*_QUICK, "data.train_examples=300", "data.selection_examples=40", "data.max_tokens=64", "model.dim=32",
           "model.vocab_size=400", "model.layers=1", "train.max_epochs=1"]  # fmt: skip
_FINALE = "finale={top: 1, overrides: {train.max_epochs: 6}}"
_DECODING = ["decoding.max_length=40", "stories=12", "batch_size=12", "budget.trials=6",
             "experiment=demo_stories", "space={temperature: {kind: float, low: 0.2, high: 1.2}, "
             "top_p: {kind: float, low: 0.5, high: 1.0}}"]  # fmt: skip


def build(root: Path, *, trials: int = 14) -> Store:
    """A store of some 70 runs under `root`; trials: of each of its three sweeps."""
    store = Store.open(root)
    store.sample_every_s = 0.5  # so short runs have samples of the machine, too
    sweeps = [
        _sweep(store, f"budget.trials={trials}", f"seed={seed}", *more)
        for seed, more in enumerate([[], [_FINALE], ["export.when=never", "sampler={kind: random}"]])
    ]
    _of_one_recipe(store, sweeps[0])
    _ended_otherwise(store)
    _stories(store)
    return store


def multiply(root: Path, times: int) -> int:
    """Each run of the store under `root` so many times more, a sweep's with its trials; how many there are then.

    The copies have new IDs and are written into MLflow's tables; their files are links to those of the first.
    """
    with closing(sqlite3.connect(root / DATABASE_FILE)) as connection, connection:
        known = connection.execute("SELECT run_uuid, artifact_uri FROM runs").fetchall()
        for _ in range(times):
            new = {run_id: uuid4().hex for run_id, _ in known}
            for table in ("runs", "params", "tags", "metrics", "latest_metrics"):
                _copy_rows(connection, table, new)
            for run_id, place in known:
                folder = Path(unquote(urlsplit(place).path))
                copy = folder.parent.parent / new[run_id] / folder.name
                if folder.is_dir():
                    shutil.copytree(folder, copy, copy_function=os.link)
        return len(known) * (times + 1)


def _copy_rows(connection: sqlite3.Connection, table: str, new: dict[str, str]) -> None:
    """The rows of a table for runs of other IDs; what names another run of the store names that one's copy."""
    found = connection.execute(f"SELECT * FROM {table}")  # noqa: S608  a name of MLflow's
    columns = [column[0] for column in found.description]
    own = columns.index("run_uuid")
    insert = f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({', '.join('?' * len(columns))})"  # noqa: S608
    for row in found.fetchall():
        if (run_id := row[own]) in new:
            named = [new.get(value, value) for value in row]
            place = [
                value.replace(run_id, new[run_id]) if isinstance(value, str) else value for value in named
            ]
            connection.execute(insert, place)


def _sweep(store: Store, *overrides: str) -> SweepReport:
    sweep, rest = load_search("demo", [*overrides, *_CLASSIFIER])
    assert isinstance(sweep, SweepConfig)
    return run_sweep(sweep, store, overrides=rest)


def _of_one_recipe(store: Store, sweep: SweepReport) -> None:
    """The winner of a sweep with other seeds, forked, and played again."""
    assert sweep.best is not None
    values = [f"{key}={value}" for key, value in sweep.best.values.items()]
    for seed in range(1, 6):
        _train(store, "demo_reviews", [*_CLASSIFIER, *values, f"seed={seed}"])
    best = run_named(store, sweep.best.run_id)
    for rate in ("2e-4", "5e-4"):
        fork(best, "best", ["train.max_epochs=6", f"optim.learning_rate={rate}", "export.when=never"])
    reproduce(best)
    _train(store, "demo_reviews", [*_CLASSIFIER, *values], reuse=False)


def _train(store: Store, experiment: str, overrides: Sequence[str], *, reuse: bool = True) -> str:
    from experiments.naming import overrides_for_name, run_name

    config = load_experiment(experiment, overrides)
    identity = RunIdentity(run_name(config, overrides_for_name(overrides)))
    return train(config, store, FromScratch(reuse=reuse), identity).run_id


def _ended_otherwise(store: Store) -> None:
    diverged = NonFiniteLossError(30, math.nan)
    for error, at in ((KeyboardInterrupt(), 90), (OSError("the data's disk is gone"), 40), (diverged, 30)):
        with _raised_at(at, error):
            _train(store, "demo_reviews", [*_CLASSIFIER, "train.checkpoint_every_steps=20", f"seed={at}"])


@contextmanager
def _raised_at(step: int, error: BaseException) -> Generator[None]:
    """Have the training end at a step as an interrupt or a fault of the machine would end it."""
    original, calls = Learner.training_step, iter(range(1, 10**9))

    def stopped(self: Learner, *arguments: object) -> object:
        if next(calls) == step:
            raise error
        return original(self, *arguments)

    with patch.object(Learner, "training_step", stopped), suppress(type(error)):
        yield


def _stories(store: Store) -> None:
    written = [
        _train(
            store, "demo_stories", [*_WRITER, f"optim.learning_rate={rate}", "samples.decoding.max_length=30"]
        )
        for rate in ("3e-3", "1e-3", "5e-3")
    ]
    source = trained_writer(run_named(store, written[0]), "int8", threads=1)
    generate(source, ["Once upon a time", "One day"], DecodingConfig(max_length=30))
    sweep, _ = load_search("tinystories_decoding", _DECODING)
    assert isinstance(sweep, DecodingSweepConfig)
    run_decoding_sweep(sweep, store)
