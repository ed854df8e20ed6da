"""A new run from the checkpoint of an old one, with other settings from there on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from experiments.checkpoint_files import find_checkpoint
from experiments.kept import check_checkpoint
from experiments.loading import parse_overridden
from experiments.record import FORKED_FROM_TAG, run_name, told_apart
from experiments.record_files import threads_of
from experiments.recorded import check_record, checkpoints_here, ended_run, recorded_config
from experiments.result import RunResult
from experiments.start import Start
from experiments.train import train

if TYPE_CHECKING:
    from rich.console import Console

    from tracking.records import RunRecord
    from tracking.store import Store


def fork(
    store: Store, record: RunRecord, at: str, overrides: Sequence[str], *, console: Console | None = None
) -> RunResult:
    """Train on from `record`'s checkpoint after step `at` (or `best`, `last`) as a new run with `overrides`.

    Without overrides it goes on as the old run did, to the bit. Torch gets as many threads as the old run had,
    unless `overrides` say otherwise. UserError, and the old run untouched, when it has no such checkpoint or
    its weights do not fit what the overrides make of the model.
    """
    run = ended_run(store, record)
    check_record(run)
    mapping = recorded_config(store, record).model_dump(mode="json")
    config = parse_overridden(mapping, overrides, where=f"fork of {run.where}")
    checkpoint = find_checkpoint(checkpoints_here(run), at, where=run.where)
    check_checkpoint(run, checkpoint)
    start = Start(checkpoint, run)
    return train(
        config,
        store,
        name=f"{run_name(config, told_apart(overrides))} from {record.run_id[:8]}@{start.step}",
        tags={"encore.kind": "fork", FORKED_FROM_TAG: f"{record.run_id}@{start.step}"},
        console=console,
        threads=threads_of(record.tags, where=run.where),
        start=start,
    )
