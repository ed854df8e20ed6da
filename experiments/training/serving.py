"""A run that has finished, or was exported, becomes one of MLflow's models."""

from __future__ import annotations

from typing import TYPE_CHECKING

from host.progress import Reporter
from runs.aside import aside
from runs.files import run_named
from runs.layout import is_exported
from runs.served import log_served

if TYPE_CHECKING:
    from tracking.store import Store


def keep_served(store: Store, run_id: str, *, reporter: Reporter, ends_with: Exception | None = None) -> None:
    """What keeps it from becoming one is told, and costs the run nothing. ends_with: see `aside`.

    Where a server has the files the weights of a run without an export would be sent twice: it becomes one when it is
    exported or registered.
    """
    what = f"run {run_id[:8]} is none of MLflow's models"
    with aside(reporter, what, root=store.root, ends_with=ends_with):
        run = run_named(store, run_id)
        if is_exported(run.record) or store.files.folder(run.record) is not None:
            log_served(run)
