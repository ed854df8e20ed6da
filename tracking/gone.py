"""Runs that a store no longer has, or that were deleted in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from errors import UserError

if TYPE_CHECKING:
    from mlflow.entities import Run
    from mlflow.tracking import MlflowClient


class UnknownRunError(UserError):
    """No run's ID begins so."""


class GoneError(UserError):
    """A run that was asked for by its whole ID is not in the store, or was deleted there."""


def refuse_deleted(client: MlflowClient, run: Run, uri: str) -> None:
    """GoneError, with the command that restores it, for a run that was deleted alone or with its experiment."""
    if run.info.lifecycle_stage == "active":
        return
    experiment = client.get_experiment(run.info.experiment_id)
    gone = experiment.lifecycle_stage != "active"
    restore = (
        f"experiments restore -x {run.info.experiment_id}" if gone else f"runs restore -r {run.info.run_id}"
    )
    raise GoneError(
        f"the run was deleted in the store{f' with its experiment {experiment.name}' if gone else ''}",
        where=f"run {run.info.run_id[:8]}",
        cure=f"Restore it with `MLFLOW_TRACKING_URI={uri} mlflow {restore}`.",
    )
