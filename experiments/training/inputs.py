"""Whether rows, tokens and what a run began with are still those that it was recorded with."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from datamodules.summary import DataSummary, summary_lines
from errors import UserError
from experiments.config import ExperimentConfig
from experiments.loading import parse_overridden
from experiments.training.recipe import PreparedRun
from host.boundary import boundary
from host.disk import disk_errors
from host.progress import SILENT, Reporter
from host.text import root_option, shortened
from runs.checks import check_is_ours
from runs.files import RunFiles
from runs.layout import (
    BEST_RUN_TAG,
    CONFIG_FILE,
    EOS_KEY,
    MODEL_FOLDER,
    PROVENANCE_FILE,
    ROWS_FOLDER,
    START_FILE,
    TOKENS_OF,
    VECTORS_PRINT,
    RunKind,
    fingerprint_tag,
    kind_of,
)
from runs.lineage import TAUGHT_BY
from runs.record_files import MALFORMED, ConfigFile, ProvenanceFile
from runs.seals import check_record
from schema.validation import parse
from tracking.provenance import RECORD_FORMAT

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from datamodules.tokenized import SplitName, TokenizedData

_SHOWN = 60
_SPLITS: tuple[SplitName, ...] = ("train", "val", "test")
_BEGUN_WITH = {
    "weights": "the pretrained weights are",
    EOS_KEY: "the token that ends a text is",
    "model_config": "the pretrained model's config is",
    "start": "the checkpoint is",
    VECTORS_PRINT: "the word vectors are",
    **{
        f"{TAUGHT_BY.prints}{name}": f"the teacher's {what} is"
        for name, what in (("weights", "model"), ("model_config", "config"), ("tokenizer", "tokenizer"))
    },
}


def data_of_run(
    run: RunFiles,
    config: ExperimentConfig,
    *,
    splits: Sequence[SplitName] = _SPLITS,
    reporter: Reporter = SILENT,
) -> TokenizedData:
    """The data of a finished run with its own tokenizer. UserError when rows of `splits` are not those of the run."""
    from experiments.build import build_data

    cache_dir = run.store.root / "cache"
    # The run's own tokenizer: the one that it was trained with may have moved or changed since.
    model = config.model.kept_in(run.path(MODEL_FOLDER))
    train = config.train.model_copy(update={"transfer_set": None})  # it is learned from, and nothing else
    config = config.model_copy(update={"model": model, "train": train})
    with disk_errors(run.store.root):
        data = build_data(config, cache_dir=cache_dir, reporter=reporter)
    check_same_data(run, data, splits)
    return data


def check_same_data(run: RunFiles, data: TokenizedData, splits: Sequence[SplitName] = _SPLITS) -> None:
    """UserError when a split no longer holds the rows of the run, naming the first that differs, or its tokens."""
    now = data.fingerprints()
    for split in splits:
        if run.record.tags.get(fingerprint_tag(split)) != now[split]:
            raise UserError(
                difference_of_rows(run, data, split),
                where=f"{run.where}, data from {origin_of(data, split)}",
                cure="Restore the data that the run was made with.",
            )
        recorded = run.record.tags.get(fingerprint_tag(f"{TOKENS_OF}{split}"))
        if recorded is not None and recorded != data.token_digests[split]:
            raise UserError(
                f"the tokens of the split {split!r} are not those of the run, and their rows are",
                where=f"{run.where}, {data.tables[split].path}",
                cure="Delete that folder, so that it is made again; if it stays so, the run's was altered.",
            )


def origin_of(data: TokenizedData, split: SplitName) -> str:
    """Where the rows of a split come from."""
    asked = data.context.transfer_set
    return asked.path if asked is not None and split == "transfer" else data.origin


def check_same_inputs(run: RunFiles, prepared: PreparedRun) -> None:
    """UserError when rows, tokenizer, pretrained weights or a fork's checkpoint are not what the run began with."""
    config = prepared.parts.config
    data = prepared.parts.data
    check_same_data(run, data, [split for split in ("transfer", *_SPLITS) if split in data.rows])
    pretrained = config.model.pretrained
    places = {"weights": pretrained, "model_config": f"{pretrained}/config.json", "start": START_FILE}
    places[VECTORS_PRINT] = getattr(config.model, "vectors", None)
    for name, digest in prepared.fingerprints.items():
        recorded = run.record.tags.get(fingerprint_tag(name))
        if recorded is not None and recorded != digest:
            taught = config.train.teacher if name.startswith(TAUGHT_BY.prints) else None
            place = (
                (f"train.teacher={taught}" if taught else places.get(name))
                or config.model.tokenizer
                or pretrained
                or config.data.kind
            )
            raise UserError(
                f"{_BEGUN_WITH.get(name, f'the {name} is')} not what the run began with",
                where=f"{run.where}, {place}",
                cure="Restore what the run was made with.",
            )


def difference_of_rows(run: RunFiles, data: TokenizedData, split: SplitName) -> str:
    """In words: how many rows a split has and had, and the first that differs."""
    now = data.rows[split].checksums
    what = f"the rows of the split {split!r} are not those of the run"
    if not run.has(f"{ROWS_FOLDER}/{split}.npy"):
        return f"{what} ({len(now)} now)"
    then = row_checksums(run, split)
    shared = min(len(now), len(then))
    other = np.flatnonzero(now[:shared] != then[:shared])
    first = int(other[0]) if len(other) else shared
    # Rows are counted without those that are held out, which the file still has: its text says which one it is.
    text = f", now {data.rows[split].texts[first][:_SHOWN]!r}" if first < len(now) else ""
    return f"{what}: {len(now)} rows now, {len(then)} then; the first that differs is row {first}{text}"


def row_checksums(run: RunFiles, split: SplitName) -> NDArray[np.unsignedinteger[Any]]:
    """Of each row of a split (N,), as the run recorded them. UserError when the file holds something else."""
    file = f"{ROWS_FOLDER}/{split}.npy"
    with boundary(f"{file} cannot be read", where=run.where, cure=MALFORMED):
        # Mapped: a header that claims more than the file holds is refused before memory is asked for.
        found = np.load(run.path(file), mmap_mode="r", allow_pickle=False)
    if not isinstance(found, np.ndarray) or found.ndim != 1 or found.dtype.kind not in "iu":
        raise UserError(f"{file} holds no checksums", where=run.where, cure=MALFORMED)
    return found


def recorded_config(run: RunFiles) -> ExperimentConfig:
    """The config a run was started with; UserError when it has none that this program can read."""
    check_is_ours(run)
    config = run.read(ConfigFile, CONFIG_FILE)
    try:
        return parse(ExperimentConfig, config, where="its config")
    except UserError as error:
        raise UserError(
            f"{_of_another_version(run)}: {error.where}: {error.what}", where=run.where, cure=_cure(run)
        ) from error


def config_as_of(run: RunFiles, overrides: Sequence[str]) -> ExperimentConfig:
    """The settings of `run` with `KEY=VALUE` overrides, for a new run.

    UserError as of `recorded_config`, and for a sweep or stories, which are no training.
    """
    kind = kind_of(run.record)
    if kind in (RunKind.SWEEP, RunKind.STORIES):
        raise UserError(
            f"is a run of kind {kind}, and no training", where=run.where, cure=_one_that_trained(run)
        )
    check_record(run)
    mapping = recorded_config(run).model_dump(mode="json")
    return parse_overridden(mapping, overrides, where=f"settings of {run.where}")


def _one_that_trained(run: RunFiles) -> str:
    best = run.record.tags.get(BEST_RUN_TAG)
    return "Name a run that trained" + (f", such as its best, {shortened(best, 8)}." if best else ".")


def _cure(run: RunFiles) -> str:
    if run.read(ProvenanceFile, PROVENANCE_FILE)["code"].get("commit") is None:
        return "Its record names no commit: use the version of Encore that made it."
    reproduce = f"encore reproduce {run.record.run_id[:8]} --at-commit{root_option(run.store.root)}"
    return f"`{reproduce}` plays it with the code that it was made with."


def _of_another_version(run: RunFiles) -> str:
    found = run.record_format
    if found == RECORD_FORMAT:
        return "was made by another version of Encore"
    return f"was recorded in format {found}, and this version of Encore records in format {RECORD_FORMAT}"


def tell_data(reporter: Reporter, summary: DataSummary) -> None:
    """A line for each split, and each warning."""
    for line in summary_lines(summary):
        reporter.say(f"data: {line}", "faint")
    for warning in summary.warnings:
        reporter.say(f"warning: {warning}", "warning")
