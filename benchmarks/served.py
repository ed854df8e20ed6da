"""What a run pays for being one of MLflow's models: seconds, and bytes on the disk."""

from __future__ import annotations

import shutil
import time
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from benchmarks.results import table, write_section

if TYPE_CHECKING:
    from tracking.store import Store

_ROUNDS = 7
_SHORT = [
    "data.train_examples=160",
    "data.selection_examples=40",
    "train.max_steps=2",
    "train.validations=1",
    "export.scored_examples=50",
    "export.max_accuracy_drop=1",
]
_DISTILBERT = ["model.dim=768", "model.heads=12", "model.layers=6", "model.hidden_dim=3072"]
_MIB = 2**20


def measure() -> None:
    """Writes the section."""
    from experiments.loading import load_experiment
    from experiments.training.train import train
    from tracking.store import Store

    with TemporaryDirectory(prefix="encore-bench-") as scratch:
        store = Store.open(Path(scratch) / "mlruns")
        settings = (_SHORT, [*_SHORT, "seed=1"], [*_SHORT, *_DISTILBERT])
        small, other, large = (
            train(load_experiment("demo_reviews", list(asked)), store).run_id for asked in settings
        )
        report(store, small, other, large)


def report(store: Store, small: str, other: str, large: str) -> None:
    """Of the runs of two seeds of the demo's classifier, and of one of DistilBERT's shape."""
    rows = [_row(store, "the demo's classifier, INT8", small), _row(store, "DistilBERT's shape, INT8", large)]
    headings = ["model", "its weights", "made in, median (slowest)", "more on the disk"]
    held = (
        f"Held against the champion, 40 held-out and 1,000 official rows: {_held(store, small, other):.2f} s."
    )
    body = f"The model of a finished run in a local store, made {_ROUNDS} times.\n\n{table(headings, rows)}\n\n{held}"
    write_section("Runs as models of MLflow", "python -m benchmarks served", body)


def _row(store: Store, name: str, run_id: str) -> list[object]:
    _forget(store, run_id)
    before = _bytes_below(store.root / "artifacts")
    seconds = [_made(store, run_id, keep=number == _ROUNDS - 1) for number in range(_ROUNDS)]
    more = _bytes_below(store.root / "artifacts") - before
    [weights] = (store.root / "artifacts").glob(
        f"demo_reviews/models/{_model_of(store, run_id)}/artifacts/model.*"
    )
    size = weights.stat().st_size / _MIB
    return [
        name,
        f"{size:.1f} MiB",
        f"{median(seconds):.2f} s ({max(seconds):.2f})",
        f"{more / 1024:.1f} KiB",
    ]


def _held(store: Store, small: str, other: str) -> float:
    """Seconds."""
    from comparison.champion import challenge
    from runs.files import run_named

    challenge(run_named(store, small), by_hand=True)
    began = time.perf_counter()
    challenge(run_named(store, other))
    return time.perf_counter() - began


def _made(store: Store, run_id: str, *, keep: bool) -> float:
    from runs.files import run_named
    from runs.served import log_served

    began = time.perf_counter()
    log_served(run_named(store, run_id))
    seconds = time.perf_counter() - began
    if not keep:
        _forget(store, run_id)
    return seconds


def _model_of(store: Store, run_id: str) -> str:
    from tracking.logged_models import models_of

    [model] = models_of(store.client, store.client.get_run(run_id))
    return str(model.model_id)


def _forget(store: Store, run_id: str) -> None:
    model_id = _model_of(store, run_id)
    store.client.delete_logged_model(model_id)
    shutil.rmtree(store.root / "artifacts" / "demo_reviews" / "models" / model_id)


def _bytes_below(folder: Path) -> int:
    """Of plain files, one of several names once."""
    files = {path.stat().st_ino: path.stat().st_size for path in folder.rglob("*") if path.is_file()}
    return sum(files.values())
