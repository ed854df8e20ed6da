"""Going on with a run that was killed: the same MLflow run, as if nothing had happened."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from errors import UserError
from experiments.training.inputs import recorded_config
from experiments.training.origin import Hooks, Resume
from experiments.training.train import train
from host.progress import SILENT, Reporter
from runs.checkpoint_folder import CheckpointFolder
from runs.checks import check_is_ours, check_trained
from runs.files import RunFiles
from runs.fork_point import fork_point_of
from runs.layout import REPRODUCES_TAG, kind_of
from runs.outcome import logged_points
from runs.result import RunResult
from runs.seals import check_manifest, check_record

if TYPE_CHECKING:
    from tracking.entities import RunRecord


def resume(run: RunFiles, *, reporter: Reporter = SILENT) -> RunResult:
    """Train `run` to its end from its newest whole checkpoint, score and export it.

    UserError, and the run untouched, when it cannot go on: it has finished, it is going on elsewhere, it is
    part of a sweep, it has no checkpoint, its data have changed.
    """
    check_is_ours(run)
    _refuse(run.record, run.where)
    check_record(run)
    config = recorded_config(run)
    start, folder = fork_point_of(run), CheckpointFolder.to_go_on(run)
    begins_once_more = start is not None and not folder.has_any
    point = None if begins_once_more else folder.latest()
    if point is not None:
        check_manifest(run)
    return train(config, run.store, Resume(run, point, logged_points(run), start), hooks=Hooks(reporter))


def _refuse(record: RunRecord, where: str) -> None:
    check_trained(record, where)
    kind = kind_of(record)
    if kind == "reproduction":
        original = record.tags.get(REPRODUCES_TAG, "")[:8]
        raise UserError(
            "plays another run again, which is worth something only whole",
            where=where,
            cure=f"Begin it anew: `encore reproduce {original}`.",
        )
    if kind in {"sweep", "trial"}:
        raise UserError(
            "a sweep and its trials go on together",
            where=where,
            cure=f"Run `encore sweep {shlex.quote(record.tags.get('encore.sweep', ''))}` again as it was started.",
        )
    if record.status == "FINISHED":
        raise UserError(
            "has finished; there is nothing to resume", where=where, cure="`encore reproduce` runs it again."
        )
    if record.status == "RUNNING":
        raise UserError(
            f"is going on elsewhere (process {record.tags.get('encore.owner', 'unknown')})",
            where=where,
            cure="Wait for it, or end it.",
        )
