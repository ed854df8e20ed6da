"""A new run from the checkpoint of an old one, with other settings from there on."""

from __future__ import annotations

from collections.abc import Sequence

from errors import UserError
from experiments.naming import overrides_for_name, run_name
from experiments.training.inputs import config_as_of
from experiments.training.origin import Fork, Hooks, RunIdentity
from experiments.training.train import train
from host.progress import SILENT, Reporter
from runs.checkpoint_folder import CheckpointFolder
from runs.checks import check_ended
from runs.files import RunFiles
from runs.fork_point import ForkPoint
from runs.kept_files import check_checkpoint
from runs.layout import FORKED_FROM_TAG, KIND_TAG, RunKind
from runs.result import RunResult


def fork(run: RunFiles, at: str, overrides: Sequence[str], *, reporter: Reporter = SILENT) -> RunResult:
    """Train on from `run`'s checkpoint after step `at` (or `best`, `last`) as a new run with `overrides`.

    Without overrides it continues as the old run did, to the bit. Torch gets as many threads as the old run had,
    unless `overrides` say otherwise. UserError, and the old run untouched, when it has no such checkpoint or
    its weights do not fit what the overrides make of the model.
    """
    check_ended(run)
    config = config_as_of(run, overrides)
    if config.model.takes_all_rows:
        raise UserError(
            f"a model of kind {config.model.kind!r} is fitted in one step, so there is nothing to fork from",
            where=run.where,
            cure=f"Train it anew: `encore train {run.record.run_id[:8]} KEY=VALUE`.",
        )
    checkpoint = CheckpointFolder.of_run(run).find(at)
    check_checkpoint(run, checkpoint)
    point = ForkPoint(checkpoint, run)
    identity = RunIdentity(
        f"{run_name(config, overrides_for_name(overrides))} from {run.record.run_id[:8]}@{point.step}",
        tags={KIND_TAG: RunKind.FORK, FORKED_FROM_TAG: f"{run.record.run_id}@{point.step}"},
    )
    return train(config, run.store, Fork(point), identity, Hooks(reporter))
