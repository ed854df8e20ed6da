"""Two runs side by side: what differs around them, and what came out of them. Loads nothing that trains."""

from __future__ import annotations

from typing import TYPE_CHECKING

from experiments.reproduction.verdict import Comparison, Tolerance, compare
from runs.checks import check_ended
from runs.differences import Cause, find_causes
from runs.environment import recorded_environment
from runs.outcome import check_outcome, had_outcome, outcome_of
from runs.seals import check_record

if TYPE_CHECKING:
    from runs.files import RunFiles


def diff_runs(one: RunFiles, other: RunFiles) -> tuple[list[Cause], Comparison | None]:
    """What differs between the environments of two runs and, where both came to their end, their outcomes."""
    runs = (one, other)
    for run in runs:
        check_ended(run)
        check_record(run)
    causes = find_causes(*(recorded_environment(run) for run in runs))
    if not all(had_outcome(run) for run in runs):
        return causes, None
    outcomes = [outcome_of(run) for run in runs]
    for outcome in outcomes:
        check_outcome(outcome)
    return causes, compare(outcomes[0], outcomes[1], Tolerance())
