"""Runs with answers that their maker decides: whole records in a real store, without a training.

Legend: N rows, C classes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from datamodules.rows import SplitRows
from datamodules.summary import DataSummary, UsedSplit, ends_of, label_counts
from runs.data_record import data_record
from runs.layout import (
    DATA_FILE,
    EXPERIMENT_TAG,
    EXPORT_FOLDER,
    KIND_TAG,
    ROWS_FOLDER,
    RunKind,
    fingerprint_tag,
    predictions_file,
)
from tracking.entities import Experiment
from tracking.store import Store


@dataclass(frozen=True)
class Rows:
    """Of a split: texts and labels (none: stories)."""

    texts: tuple[str, ...]
    labels: tuple[int, ...] | None

    @property
    def split(self) -> SplitRows:
        return SplitRows(self.texts, self.labels)

    def take(self, order: Sequence[int]) -> Rows:
        labels = None if self.labels is None else tuple(self.labels[row] for row in order)
        return Rows(tuple(self.texts[row] for row in order), labels)


def reviews(count: int, *, name: str = "row", seed: int = 0) -> Rows:
    """Different texts with labels 0 and 1."""
    labels = np.random.default_rng(seed).integers(0, 2, count)
    return Rows(tuple(f"{name} number {row}" for row in range(count)), tuple(labels.tolist()))


def stories(count: int) -> Rows:
    return Rows(tuple(f"Story {row} tells of {'many ' * (row % 7)}things." for row in range(count)), None)


@dataclass(frozen=True)
class Made:
    """A run to make. right: (N,) whether it answers each official row right; sure: (N,) logit of its answer over the
    other. held_out_right: likewise of the held-out rows. nll: (N,) of stories instead."""

    right: Sequence[bool] | NDArray[np.bool_] = ()
    sure: Sequence[float] | NDArray[np.float64] | float = 2.0
    nll: Sequence[float] | NDArray[np.float64] = ()
    held_out_right: Sequence[bool] | NDArray[np.bool_] = (True, False)
    seed: int = 0
    settings: Mapping[str, object] = field(default_factory=dict[str, object])
    tags: Mapping[str, str] = field(default_factory=dict[str, str])
    experiment: str = "sst2"
    status: str = "FINISHED"
    reason: str | None = None
    parent: str | None = None
    int8_right: Sequence[bool] | NDArray[np.bool_] | None = None


LABELS = ("positive", "a negative")  # of 0 and 1; not in the order of the alphabet
HELD_OUT = reviews(2, name="held-out", seed=1)


def make(store: Store, rows: Rows, run: Made, held_out: Rows | None = None) -> str:
    """Its ID."""
    held = held_out or reviews(len(run.held_out_right), name="held-out", seed=1)
    labelled = rows.labels is not None
    metric, better = ("accuracy", True) if labelled else ("bits_per_byte", False)
    splits = {"test": rows.split, "val": held.split}
    digests = {fingerprint_tag(split): content.fingerprint for split, content in splits.items()}
    store.sample_every_s = 0
    log = store.start_run(
        experiment=Experiment(run.experiment, f"best/val/{metric}", better),
        name=f"{run.experiment} seed={run.seed}",
        params={"seed": run.seed, "data.kind": run.experiment, **run.settings},
        tags={KIND_TAG: RunKind.RUN, EXPERIMENT_TAG: run.experiment, **digests, **run.tags},
        description="made without a training",
        parent_id=run.parent,
    )
    log.log_json(data_record(_summary(splits), {}), DATA_FILE)
    with log.folder(ROWS_FOLDER) as folder:
        for split, content in splits.items():
            np.save(folder / f"{split}.npy", content.checksums, allow_pickle=False)
    with log.folder("predictions") as folder:
        for split, content, right in (("test", rows, run.right), ("val", held, run.held_out_right)):
            path = folder / predictions_file(split).removeprefix("predictions/")
            path.parent.mkdir()
            table = (
                classes(content, right, run.sure) if labelled or split == "val" else losses(content, run.nll)
            )
            pq.write_table(pa.table(table), path)
    if run.int8_right is not None:
        with log.folder(EXPORT_FOLDER) as folder:
            pq.write_table(pa.table(exported(rows, run)), folder / "predictions.parquet")
    log.log_summary(_metrics(rows, run, metric))
    log.finish(run.status, reason=run.reason)  # pyright: ignore[reportArgumentType]
    return log.run_id


def _summary(splits: Mapping[str, SplitRows]) -> DataSummary:
    used = (
        UsedSplit(split, len(rows.texts), label_counts(rows, LABELS), *ends_of(rows.texts))
        for split, rows in splits.items()
    )
    return DataSummary("made", (), tuple(used), {}, (), (), LABELS)


def _metrics(rows: Rows, run: Made, metric: str) -> dict[str, float]:
    if rows.labels is None:
        size = sum(len(text.encode()) for text in rows.texts)
        bits = float(np.sum(run.nll) / np.log(2) / size)
        return {f"test/{metric}": bits, f"best/val/{metric}": bits}
    return {
        f"test/{metric}": float(np.mean(run.right)),
        f"best/val/{metric}": float(np.mean(run.held_out_right)),
    }


def classes(rows: Rows, right: Any, sure: Any) -> dict[str, NDArray[Any] | list[str]]:
    """The table of a classifier that answers so."""
    assert rows.labels is not None
    labels_N, right_N = np.array(rows.labels), np.asarray(right, dtype=bool)
    answers_N = np.where(right_N, labels_N, 1 - labels_N)
    sure_N = np.broadcast_to(
        np.asarray(sure, dtype=np.float64)[: len(labels_N)] if np.ndim(sure) else sure, labels_N.shape
    )
    logits_NC = np.zeros((len(labels_N), 2), dtype=np.float32)
    logits_NC[np.arange(len(labels_N)), answers_N] = sure_N
    loss_N = np.log(np.exp(logits_NC).sum(axis=1)) - logits_NC[np.arange(len(labels_N)), labels_N]
    return {
        "row": np.arange(len(labels_N)),
        "text": list(rows.texts),
        "label": labels_N,
        "prediction": answers_N,
        "logit_0": logits_NC[:, 0],
        "logit_1": logits_NC[:, 1],
        "loss": loss_N.astype(np.float32),
    }


def losses(rows: Rows, nll: Any) -> dict[str, NDArray[Any]]:
    sizes_N = np.array([len(text.encode()) for text in rows.texts])
    return {
        "row": np.arange(len(sizes_N)),
        "nll": np.asarray(nll, float),
        "tokens": sizes_N // 4 + 1,
        "bytes": sizes_N,
    }


def exported(rows: Rows, run: Made) -> dict[str, NDArray[Any]]:
    """Of the INT8 export on all rows."""
    table = classes(rows, run.int8_right, run.sure)
    names = {
        "label": "label",
        "prediction": "int8_prediction",
        "logit_0": "int8_logit_0",
        "logit_1": "int8_logit_1",
    }
    found = {name: np.asarray(table[column]) for column, name in names.items()}
    return {"index": np.arange(len(rows.texts)), **found}


def spoilt(right: NDArray[np.bool_], *, lost: int, won: int) -> NDArray[np.bool_]:
    """Another model's: the first `lost` right ones are wrong, the first `won` wrong ones right."""
    other = right.copy()
    other[np.flatnonzero(right)[:lost]] = False
    other[np.flatnonzero(~right)[:won]] = True
    return other
