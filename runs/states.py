"""How a run stands, in a word."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tracking.entities import KILLED_BECAUSE_TAG

if TYPE_CHECKING:
    from tracking.entities import RunRecord

PRUNED, INTERRUPTED, LOST = "pruned", "interrupted", "lost owner"


def state_of(run: RunRecord) -> str:
    """The status in lower case, or why a killed run was killed where that is known."""
    why = run.tags.get(KILLED_BECAUSE_TAG, "").partition(";")[0]
    return why if run.status == "KILLED" and why in {PRUNED, INTERRUPTED, LOST} else run.status.lower()
