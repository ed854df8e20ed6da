"""What the score that chose a run is worth, beside the claim that it makes on rows that chose nothing.

Legend: K runs, N rows.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from comparison.answers import answers_of
from comparison.asked import of_finished
from comparison.matching import matched
from comparison.models import scores
from comparison.results import Selection
from runs.files import RunFiles
from runs.layout import BEST_RUN_TAG, STAGE_TAG, fingerprint_tag
from scoring.selection import selection

if TYPE_CHECKING:
    from comparison.answers import Answers
    from comparison.results import Figure
    from tracking.entities import RunRecord
    from tracking.store import Store

HELD_OUT = "val"


def selection_of_sweep(sweep: RunFiles) -> Selection | None:
    """Of a sweep's own run; none where it has chosen no finished run."""
    chosen, run_id = sweep.record.tags.get(BEST_RUN_TAG, ""), sweep.record.run_id
    return selection_of_trials(sweep.store, sweep.store.runs(parent_id=run_id), chosen, run_id)


def selection_of_trials(
    store: Store, below: Sequence[RunRecord], chosen: str, sweep_id: str
) -> Selection | None:
    """Of the runs below a sweep's own and the ID of the one that it chose.

    What that was chosen among are the runs of its stage with the same held-out rows: other scores do not compare.
    """
    trials = [RunFiles(store, record) for record in of_finished(below)]
    winner = next((run for run in trials if run.record.run_id == chosen), None)
    if winner is None:
        return None
    rivals = [run for run in trials if run is not winner and _held_out_alike(run, winner)]
    return selection_among(winner, rivals, sweep_id[:8])


def _held_out_alike(one: RunFiles, other: RunFiles) -> bool:
    tags = (fingerprint_tag(HELD_OUT), STAGE_TAG)
    return all(one.record.tags.get(tag) == other.record.tags.get(tag) for tag in tags)


def selection_among(winner: RunFiles, rivals: Sequence[RunFiles], by: str | None) -> Selection:
    """Of `winner`, which did best on the held-out rows. by: the sweep that chose it; none: the whole experiment."""
    held_out = [answers_of(run, HELD_OUT) for run in (winner, *rivals)]
    return selection_by(held_out, scores(matched([answers_of(winner)]))[0], by)


def selection_by(held_out: Sequence[Answers], claim: Figure, by: str | None) -> Selection:
    """As `selection_among`, of all runs' answers to the held-out rows, the winner's first, and its official score.

    All of them: the mean of a few that did well there is too good already.
    """
    others = sorted(
        held_out[1:], key=lambda one: one.run_id
    )  # of equals a draw of the rows chooses the first
    found = matched([held_out[0], *others]).answers
    values_KN, below_N = _values(found)
    task = found[0].task
    judged = selection(values_KN, below_N, greater_is_better=task.greater_is_better)
    return Selection(
        by=by,
        winner=held_out[0].run_id,
        runs=len(found),
        rows=len(found[0]),
        held_out=float(values_KN[0].sum() / below_N.sum()),
        bias=judged.bias,
        claim=claim,
    )


def _values(found: Sequence[Answers]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """(K, N) and (N,): the score is the sum of the first over that of the second."""
    if all(one.classes is not None for one in found):
        right = [one.classes.right for one in found if one.classes is not None]
        return np.stack(right).astype(float), np.ones(len(found[0]))
    return np.stack([one.losses_N for one in found]), math.log(2) * found[0].sizes_N
