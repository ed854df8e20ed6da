"""Reading a run's record again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from experiments.config import ExperimentConfig
from runs.checks import check_is_ours
from runs.files import RunArtifacts
from runs.layout import CONFIG_FILE
from runs.record_files import ConfigFile
from schema.validation import parse

if TYPE_CHECKING:
    from tracking.records import RunRecord
    from tracking.store import Store


def recorded_config(store: Store, record: RunRecord) -> ExperimentConfig:
    """The config a run was started with; UserError when it has none that this program can read."""
    run = RunArtifacts(store, record)
    check_is_ours(run)
    return parse(ExperimentConfig, run.read(ConfigFile, CONFIG_FILE), where=f"run {record.run_id}")
