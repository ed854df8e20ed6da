"""The settings of a decoding sweep as rows, and which of two is the better one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sweeps.config import StoryLimits

OBJECTIVE = "stories/coherent"
MISSED = "stories/limits_missed"


@dataclass(frozen=True)
class SettingRow:
    """One setting: its run, its options and the figures of its stories."""

    trial: int
    stage: str
    run_id: str
    values: dict[str, str]
    metrics: dict[str, float]


@dataclass(frozen=True)
class DecodingReport:
    """All settings, the trials first, the best by the held-out prompts, and the figures of the real stories."""

    name: str
    parent_id: str
    model_run: str
    rows: tuple[SettingRow, ...]
    best: SettingRow
    real: dict[str, float]
    limits: dict[str, float]


def limits_missed(limits: StoryLimits, figures: Mapping[str, float]) -> int:
    """How many of the limits the figures of a sample miss."""
    return sum(
        (
            figures["ended"] < limits.min_ended,
            figures["loops"] > limits.max_loops,
            figures["copied_13grams"] > limits.max_copied,
        )
    )


def score(row: SettingRow) -> float:
    """What is searched for: coherent stories; a missed limit outweighs any share of them."""
    return row.metrics[OBJECTIVE] - row.metrics[MISSED]


def rank(row: SettingRow) -> tuple[float, float, int]:
    """Settings by it: by their score, between equals by the stories that end, then by their place in the search."""
    return score(row), row.metrics["stories/ended"], -row.trial
