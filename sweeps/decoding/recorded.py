"""What a decoding sweep has found so far, read from the store alone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from runs.layout import STAGE_TAG, SWEEP_TAG, TRIAL_TAG
from runs.trials import is_of_a_trial
from sweeps.config import StoryLimits
from sweeps.decoding.rows import DecodingReport, SettingRow, rank
from sweeps.finished import asked, finished_sweep
from sweeps.recorded import searched_keys

if TYPE_CHECKING:
    from sweeps.config import DecodingSweepConfig
    from tracking.entities import RunRecord
    from tracking.store import Store

_REAL = "real/"
STAGES = ("search", "official")


def known_settings(sweep: DecodingSweepConfig, model_run: RunRecord, store: Store) -> DecodingReport | None:
    """What the decoding sweep over a run's model found, likewise."""
    parent = finished_sweep(store, asked(sweep, {"run": model_run.run_id}))
    return None if parent is None else recorded_settings(store, parent)


def recorded_settings(store: Store, parent: RunRecord) -> DecodingReport | None:
    """The settings of a decoding sweep as they stand; none where no setting has been written yet."""
    below = store.runs(parent_id=parent.run_id)
    runs = [run for run in below if is_of_a_trial(run, STAGES) and run.status == "FINISHED"]
    space = searched_keys(parent)
    rows = sorted((_setting(run, space) for run in runs), key=lambda row: (row.stage != "search", row.trial))
    searched = [row for row in rows if row.stage == "search"]
    if not searched:
        return None
    limits = StoryLimits.model_validate_json(parent.params.get("limits", "{}"))
    return DecodingReport(
        parent.tags.get(SWEEP_TAG, parent.name),
        parent.run_id,
        parent.params["model_run"],
        tuple(rows),
        max(searched, key=rank),
        {key.removeprefix(_REAL): value for key, value in parent.metrics.items() if key.startswith(_REAL)},
        limits.model_dump(),
    )


def _setting(run: RunRecord, space: Sequence[str]) -> SettingRow:
    figures = {key: value for key, value in run.metrics.items() if key.startswith("stories/")}
    values = {key: run.params.get(f"decoding.{key}", "") for key in space}
    return SettingRow(int(run.tags[TRIAL_TAG]), run.tags[STAGE_TAG], run.run_id, values, figures)
