"""How often the official split of an experiment has been looked at."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from comparison.answers import OFFICIAL
from comparison.recipes import has_own_training, is_training
from comparison.results import Looks
from scoring.tasks import task_of_metrics

if TYPE_CHECKING:
    from tracking.entities import RunRecord


def scored(among: Sequence[RunRecord]) -> list[RunRecord]:
    """The trainings that were scored on the official split, each once: no doubles and no reproductions."""
    return [run for run in among if is_training(run) and task_of_metrics(run.metrics, OFFICIAL) is not None]


def looks_at(experiment: str, among: Sequence[RunRecord]) -> Looks:
    """Every run that was scored is a chance to be lucky there, also one that was pruned or killed: its score was seen.

    among: all runs of the experiment; a double of another run is no second look.
    """
    seen = [run for run in among if has_own_training(run)]
    return Looks(experiment, sum(task_of_metrics(run.metrics, OFFICIAL) is not None for run in seen))
