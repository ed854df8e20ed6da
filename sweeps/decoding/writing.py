"""Whose stories a decoding sweep is about."""

from __future__ import annotations

from typing import TYPE_CHECKING

from errors import UserError
from runs.layout import EXPERIMENT_TAG, RunKind, kind_of

if TYPE_CHECKING:
    from sweeps.config import DecodingSweepConfig
    from tracking.entities import RunRecord
    from tracking.store import Store


def writing_run(sweep: DecodingSweepConfig, store: Store) -> RunRecord:
    """The run that is named, or the newest finished one of the experiment. UserError where there is none."""
    if sweep.run is not None:
        return store.find(sweep.run)
    found = store.runs(tags={EXPERIMENT_TAG: sweep.experiment})
    finished = [
        run
        for run in sorted(found, key=lambda run: -run.start_ms)
        if run.status == "FINISHED" and kind_of(run) == RunKind.RUN
    ]
    if not finished:
        raise UserError(
            f"no finished run of {sweep.experiment} that could write",
            where=f"sweep {sweep.name}",
            cure=f"Train one with `encore train {sweep.experiment}`, or name a run with run=ID.",
        )
    return finished[0]
