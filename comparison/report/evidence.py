"""What the finished runs answered, held against the winner: what a report says of how sure it is rests on this.

Legend: K models.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from comparison.answers import answers_of
from comparison.asked import MARGIN, Named
from comparison.compare_models import comparison_of
from comparison.details import calibration_of, details_of
from comparison.looks import looks_at
from comparison.matching import Matched, matched
from comparison.models import scores
from comparison.noise import recorded_noise
from comparison.recipes import is_training
from errors import UserError
from runs.files import RunFiles
from runs.layout import REUSES_TAG

if TYPE_CHECKING:
    from collections.abc import Sequence

    from comparison.results import Calibration, Comparison, Details, Looks, NoiseFloor
    from tracking.entities import RunRecord
    from tracking.store import Store

_DETAILED = 4  # models whose answers to single rows are shown
_MOST = 100  # models that are held against the winner


@dataclass(frozen=True)
class Evidence:
    """comparison: of the winner, which comes first, with the other finished runs; none where it is alone.

    calibration: the winner's; none for a language model. details: of the winner and the next, `detailed` in all.
    noise, looks: of the experiment. unread: of each run whose answers cannot be compared, why.
    """

    comparison: Comparison | None
    calibration: Calibration | None
    details: Details | None
    detailed: int
    noise: NoiseFloor | None
    looks: Looks
    unread: tuple[str, ...]


def evidence_of(
    store: Store,
    experiment: str,
    winner: RunRecord | None,
    others: Sequence[RunRecord],
    sweep: RunFiles | None,
) -> Evidence:
    """sweep: whose trials they are."""
    noise = recorded_noise(store, experiment)
    looks = looks_at(experiment, store.runs(experiment=experiment))
    if winner is None:
        return Evidence(None, None, None, 0, noise, looks, ())
    try:
        answers, unread = [answers_of(RunFiles(store, winner))], list[str]()
    except UserError as error:  # such as one of an earlier version, which kept no checksums of its rows
        return Evidence(None, None, None, 0, noise, looks, (str(error),))
    double = winner.tags.get(REUSES_TAG)
    for run in [run for run in others if is_training(run) and run.run_id != double][:_MOST]:
        try:
            answers.append(answers_of(RunFiles(store, run)))
        except UserError as error:
            unread.append(str(error))
    if len(answers) < 2:
        calibration = calibration_of(answers[0]) if answers[0].classes is not None else None
        return Evidence(None, calibration, None, 0, noise, looks, tuple(unread))
    found = matched(answers)
    named = [Named(one.run, sweep=sweep) for one in found.answers]
    compared = comparison_of(store, named, found, scores(found), range(len(named)), MARGIN)
    few = Matched(found.answers[:_DETAILED], found.copies, found.left_out[:_DETAILED])
    details = details_of(few, range(len(few.answers)))
    calibration = None if details is None else details.calibration[0]
    return Evidence(compared, calibration, details, len(few.answers), noise, looks, tuple(unread))
