"""Whether the scores of a run follow from its answers, and the store shows them."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import pandas as pd

from export.variants import VARIANTS
from host.boundary import first_line
from runs.check import Check
from runs.files import RunFiles
from runs.layout import EXPORT_PREDICTIONS, SEEN_FILE, predictions_file
from runs.outcome import Outcome
from scoring.task import Task
from scoring.tasks import task_of_answers, task_of_exported
from scoring.unseen import unseen_scores
from tracking.metric_writer import summarised

_ROUNDING = 1e-12  # sums in another order; a share of examples is exact


def check_scores(outcome: Outcome, split: str) -> Iterator[Check]:
    """The scores of a split, computed again from its answers."""
    file = predictions_file(split)
    prefix = f"best/{split}" if split == "val" else split
    try:
        answers = outcome.predictions[split]
        task = _one(task_of_answers(answers.columns))
        found = task.score(answers)
        if split == "test" and outcome.run.has(SEEN_FILE):
            found |= unseen_scores(task, answers, np.load(outcome.run.path(SEEN_FILE), allow_pickle=False))
    except Exception:  # noqa: BLE001 its digest has said so
        return
    for name, value in found.items():
        yield _score(f"{prefix}/{name}", file, outcome, value)


def check_export_scores(run: RunFiles, outcome: Outcome) -> Iterator[Check]:
    """The score of each variant, computed again from the table of the export."""
    file = EXPORT_PREDICTIONS
    try:
        frame = pd.read_parquet(run.path(file))
        found = list(_variant_scores(frame, outcome))
    except Exception as error:  # noqa: BLE001 an altered file can be broken in any way, and is then reported as that
        yield Check("export's answers", file, holds=False, recorded="a table", found=first_line(error)[:80])
        return
    for name, value in found:
        yield _score(name, file, outcome, value)


def _variant_scores(frame: pd.DataFrame, outcome: Outcome) -> Iterator[tuple[str, float]]:
    task = _one(task_of_exported(frame.columns))
    for variant in (variant.name for variant in VARIANTS):
        if any(name.startswith(f"export/{variant}/") for name in outcome.metrics):
            name, value = task.exported_score(frame, variant)
            yield f"export/{variant}/{name}", value


def _one(task: Task | None) -> Task:
    assert task is not None, "no table of answers"
    return task


def _score(name: str, file: str, outcome: Outcome, found: float) -> Check:
    recorded = outcome.metrics.get(name, math.nan)
    holds = math.isclose(recorded, found, rel_tol=_ROUNDING, abs_tol=_ROUNDING)
    return Check(name, file, holds, repr(recorded), repr(found))


def check_logged(outcome: Outcome) -> Iterator[Check]:
    """What the tracking store shows against what the run wrote down itself: earlier versions stored every digit."""
    for name, recorded in outcome.metrics.items():
        shown = outcome.run.record.metrics.get(name, math.nan)
        as_told = shown in (recorded, summarised(recorded))
        if not (as_told or (math.isnan(shown) and math.isnan(recorded))):
            yield Check(name, "the tracking store", holds=False, recorded=repr(recorded), found=repr(shown))
