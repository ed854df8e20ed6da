"""Reading a run's record again."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from errors import UserError
from experiments.checkpoint_files import checkpoint_folder
from experiments.config import ExperimentConfig
from experiments.digests import file_digest
from experiments.loading import parse
from experiments.progress import reported, warned
from experiments.record import (
    CONFIG_FILE,
    ENDED_BY,
    MODEL_FOLDER,
    ROWS_FOLDER,
    SEALS_FILE,
    START_FILE,
    TOKENS_OF,
    Beginning,
    seal_tag,
)
from host.disk import disk_errors
from tracking.artifacts import local_folder

if TYPE_CHECKING:
    from rich.console import Console

    from datamodules.tokenized import SplitName, TokenizedData
    from tracking.records import RunRecord
    from tracking.store import Store


_SHOWN = 60
_SPLITS: tuple[SplitName, ...] = ("train", "val", "test")
STORIES_KIND = "stories"  # the kind of a run that a trained model's stories are logged on
STORIES_OF_TAG = "encore.stories_of"  # the run whose model wrote them


class RunArtifacts:
    """The files of one run, wherever its store keeps them."""

    def __init__(self, store: Store, record: RunRecord) -> None:
        self.record = record
        self.where = record.label
        self.store = store

    def has(self, path: str) -> bool:
        return self.store.find_artifact(self.record, path) is not None

    def path(self, path: str) -> Path:
        """A local path; UserError when the run has no such file."""
        return self.store.artifact(self.record, path)

    def json(self, path: str) -> Any:
        """The content of a JSON file; UserError when it is missing or none."""
        try:
            return json.loads(self.path(path).read_text(encoding="utf-8"))
        except ValueError as error:
            raise UserError(
                f"{path} is not JSON", where=self.where, cure="The artifact was altered; restore it."
            ) from error


def check_is_ours(run: RunArtifacts) -> None:
    """UserError for a run of another program."""
    if run.record.tags.get("encore.kind") is None:
        raise UserError(
            "was not made by Encore", where=run.where, cure="`encore runs` lists the runs that were."
        )


def check_is_one_run(run: RunArtifacts) -> None:
    """UserError for another program's run, and for a sweep's own, which trained nothing."""
    check_is_ours(run)
    if run.record.tags.get("encore.kind") == "sweep":
        raise UserError(
            "a sweep is many runs",
            where=run.where,
            cure=f"Name one of them: `encore runs --sweep {run.record.run_id[:8]}` lists them.",
        )
    check_trained(run.record, run.where)


def check_trained(record: RunRecord, where: str) -> None:
    """UserError for a run that only holds stories."""
    if record.tags.get("encore.kind") == STORIES_KIND:
        raise UserError(
            "holds stories and trained nothing",
            where=where,
            cure=f"Name the run whose model wrote them: {record.tags[STORIES_OF_TAG][:8]}.",
        )


def check_has_model(run: RunArtifacts) -> None:
    """UserError, with the reason, for a run that has no trained model."""
    record = run.record
    if record.tags.get("encore.kind") == "sweep":
        best = record.tags.get("encore.best_run", "")
        cure = f"Take its best run, {best[:8]}." if best else "It has no finished run."
        raise UserError("a sweep has no model of its own", where=run.where, cure=cure)
    check_is_one_run(run)
    if record.status != "FINISHED":
        why = record.tags.get("encore.killed_because") or record.tags.get("encore.failed_because", "")
        raise UserError(
            f"only a finished run has a model; this one is {record.status}"
            + (f" ({why.splitlines()[0][:120]})" if why else ""),
            where=run.where,
            cure="`encore runs` lists the runs.",
        )


def check_record(run: RunArtifacts) -> None:
    """UserError, naming the file, when one of the record's own is not what was written before the first step."""
    check_sealed(run, SEALS_FILE)
    if not run.has(SEALS_FILE):
        return  # an earlier version of Encore wrote none
    seals = run.json(SEALS_FILE)
    if not isinstance(seals, dict):
        raise altered(run, SEALS_FILE)
    for file, digest in seals.items():
        if file_digest(run.path(file)) != digest:
            raise altered(run, file)


def check_sealed(run: RunArtifacts, *files: str) -> None:
    """UserError when a file is missing or is not the one whose digest the tracking store has.

    Of a run of an earlier version, which left no such digest, nothing is known.
    """
    for file in files:
        recorded = run.record.tags.get(seal_tag(file))
        if recorded is not None and file_digest(run.path(file)) != recorded:
            raise altered(run, file)


def altered(run: RunArtifacts, file: str) -> UserError:
    """The error for an artifact that is another one than the run left."""
    return UserError(
        f"{file} is not what was recorded", where=run.where, cure="The artifact was altered; restore it."
    )


def ended_run(store: Store, record: RunRecord) -> RunArtifacts:
    """The files of a run that is no sweep and not going on; else UserError."""
    run = RunArtifacts(store, record)
    check_is_one_run(run)
    if record.status == "RUNNING":
        raise UserError("is still going on", where=run.where, cure="Wait for it, or end it.")
    return run


def checkpoints_here(run: RunArtifacts) -> Path:
    """The folder of a run's checkpoints on this machine, fetched where only a server has them; it may be missing."""
    local = local_folder(run.record.artifact_uri)
    folder = checkpoint_folder(run.store.root, run.record.run_id, local)
    if local is None and not folder.exists():
        return run.store.find_artifact(run.record, "checkpoints") or folder
    return folder


def recorded_config(store: Store, record: RunRecord) -> ExperimentConfig:
    """The config a run was started with; UserError when it has none that this program can read."""
    run = RunArtifacts(store, record)
    check_is_ours(run)
    return parse(ExperimentConfig, run.json(CONFIG_FILE), where=f"run {record.run_id}")


def data_of_run(
    run: RunArtifacts,
    config: ExperimentConfig,
    *,
    splits: Sequence[SplitName] = _SPLITS,
    console: Console | None = None,
) -> TokenizedData:
    """The data of a finished run with its own tokenizer. UserError when rows of `splits` are not those of the run."""
    from experiments.build import build_data

    cache_dir = run.store.root / "cache"
    # The run's own tokenizer: the one that it was trained with may have moved or changed since.
    own = {"tokenizer": str(run.path(MODEL_FOLDER)), "pretrained": None}
    config = config.model_copy(update={"model": config.model.model_copy(update=own)})
    with disk_errors(run.store.root), reported(console) as on_progress:
        say = warned(console)
        data = build_data(config, cache_dir=cache_dir, on_progress=on_progress, on_remade=say)
    check_same_data(run, data, splits)
    return data


def check_same_data(run: RunArtifacts, data: TokenizedData, splits: Sequence[SplitName] = _SPLITS) -> None:
    """UserError when a split no longer holds the rows of the run, naming the first that differs, or its tokens."""
    now = data.fingerprints()
    for split in splits:
        if run.record.tags.get(f"encore.ran.fingerprint.{split}") != now[split]:
            raise UserError(
                difference_of_rows(run, data, split),
                where=f"{run.where}, data from {data.origin}",
                cure="Restore the data that the run was made with.",
            )
        recorded = run.record.tags.get(f"encore.ran.fingerprint.{TOKENS_OF}{split}")
        if recorded is not None and recorded != data.token_digests[split]:
            raise UserError(
                f"the tokens of the split {split!r} are not those of the run, and their rows are",
                where=f"{run.where}, {data.tables[split].path}",
                cure="Delete that folder, so that it is made again; if it stays so, the run's was altered.",
            )


_BEGUN_WITH = {
    "weights": "the pretrained weights are",
    ENDED_BY: "the token that ends a text is",
    "model_config": "the pretrained model's config is",
    "start": "the checkpoint is",
}


def check_same_beginning(run: RunArtifacts, beginning: Beginning) -> None:
    """UserError when rows, tokenizer, pretrained weights or a fork's checkpoint are not what the run began with."""
    config = beginning.parts.config
    check_same_data(run, beginning.parts.data)
    pretrained = config.model.pretrained
    places = {"weights": pretrained, "model_config": f"{pretrained}/config.json", "start": START_FILE}
    for name, digest in beginning.fingerprints.items():
        recorded = run.record.tags.get(f"encore.ran.fingerprint.{name}")
        if recorded is not None and recorded != digest:
            place = places.get(name) or config.model.tokenizer or pretrained or config.data.kind
            raise UserError(
                f"{_BEGUN_WITH.get(name, f'the {name} is')} not what the run began with",
                where=f"{run.where}, {place}",
                cure="Restore what the run was made with.",
            )


def difference_of_rows(run: RunArtifacts, data: TokenizedData, split: SplitName) -> str:
    """In words: how many rows a split has and had, and the first that differs."""
    now = data.rows[split].checksums
    what = f"the rows of the split {split!r} are not those of the run"
    if not run.has(f"{ROWS_FOLDER}/{split}.npy"):
        return f"{what} ({len(now)} now)"
    then = np.load(run.path(f"{ROWS_FOLDER}/{split}.npy"), allow_pickle=False)
    shared = min(len(now), len(then))
    other = np.flatnonzero(now[:shared] != then[:shared])
    first = int(other[0]) if len(other) else shared
    # Rows are counted without those that are held out, which the file still has: its text says which one it is.
    text = f", now {data.rows[split].texts[first][:_SHOWN]!r}" if first < len(now) else ""
    return f"{what}: {len(now)} rows now, {len(then)} then; the first that differs is row {first}{text}"
