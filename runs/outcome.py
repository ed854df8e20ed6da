"""What came out of a run, as far as another run can be held against it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from errors import UserError
from host.boundary import boundary
from runs.checks import check_ended
from runs.files import RunFiles, altered
from runs.layout import (
    DIGESTS_FILE,
    EXPORT_REPORT,
    FORKED_FROM_TAG,
    RESULT_FILE,
    SCORED,
    SPEEDS,
    predictions_file,
)
from runs.record_files import MALFORMED, Digests, ReportFile, ResultFile, step_of_fork
from runs.seals import check_sealed
from scoring.tasks import TASKS, task_of_answers
from tracking.manifest import seal_tag

if TYPE_CHECKING:
    import pandas as pd


# Figures that a clock decides.
_TIMED = re.compile("|".join(["^(time|system)/", "latency", "/peak_memory_mib$", *map(re.escape, SPEEDS)]))


@dataclass(frozen=True)
class Outcome:
    """Digests by name, values by metric by step, final metrics, steps; predictions are read when asked for.

    Everything that a clock decides is left out.
    """

    run: RunFiles
    digests: dict[str, str]
    points: Mapping[int, Mapping[str, float]]
    metrics: dict[str, float]
    steps: int
    status: str
    begins_after: int = 0  # the step that a fork begins with

    @cached_property
    def predictions(self) -> dict[str, pd.DataFrame]:
        """By split: one row per example, in the split's order. UserError when a file is no such table."""
        return {split: _table(self.run, predictions_file(split)) for split in SCORED}


def _table(run: RunFiles, file: str) -> pd.DataFrame:
    import pandas as pd

    path = run.path(file)
    with boundary(f"{file} is no table", where=run.where, cure="The artifact was altered; restore it."):
        found = pd.read_parquet(path)
    return with_columns(found, *_columns(found), where=f"{run.where}, {file}")


def _columns(frame: pd.DataFrame) -> tuple[str, ...]:
    """Those of its task; where it is of none, those of the task of which it has most."""
    most = max(TASKS, key=lambda task: len({*task.answer_columns} & {*frame.columns}))
    return (task_of_answers(frame.columns) or most).answer_columns


def with_columns(frame: pd.DataFrame, *names: str, where: str) -> pd.DataFrame:
    """`frame`. UserError when it has not a column of numbers of each name."""
    for name in names:
        if name not in frame or frame[name].ndim != 1 or frame[name].dtype.kind not in "iuf":
            raise UserError(f"has no column of numbers {name!r}", where=where, cure=MALFORMED)
    return frame


def read_outcome(run: RunFiles) -> Outcome:
    """The outcome of a run that ended; UserError, naming the file, when something of it is missing or unreadable."""
    check_ended(run)
    return outcome_of(run)


def outcome_of(run: RunFiles) -> Outcome:
    """Likewise, of a run that is known to have ended."""
    record = run.record
    if not run.has(RESULT_FILE):
        raise _unfinished(run)
    result = run.read(ResultFile, RESULT_FILE)
    digests = run.read(Digests, DIGESTS_FILE)
    metrics = {key: value for key, value in result.metrics.items() if not key.startswith("export/")}
    if run.has(EXPORT_REPORT):  # a run may have been exported later, or again
        digests |= exported_digests(run)
        metrics |= run.read(ReportFile, EXPORT_REPORT).metrics
    for split in SCORED:
        run.path(predictions_file(split))  # needed as soon as something differs
    return Outcome(
        run,
        digests,
        _untimed(logged_points(run)),
        {key: value for key, value in metrics.items() if not _TIMED.search(key)},
        result.steps,
        result.status,
        step_of_fork(record.tags, FORKED_FROM_TAG, where=run.where),
    )


def exported_digests(run: RunFiles) -> dict[str, str]:
    """Of the files of the export, by their paths; UserError when its report is missing or unreadable."""
    report = run.read(ReportFile, EXPORT_REPORT)
    return {f"export/{file}": digest for file, digest in report.digests.items()}


def check_outcome(outcome: Outcome) -> None:
    """UserError, naming the file, when a result, its digests or its answers are not what the run wrote."""
    from runs.table_digest import table_digest

    run = outcome.run
    check_sealed(run, RESULT_FILE, DIGESTS_FILE)
    for split, recorded in ((split, outcome.digests.get(f"predictions/{split}")) for split in SCORED):
        if recorded is not None and table_digest(outcome.predictions[split]) != recorded:
            raise altered(run, predictions_file(split))


def had_outcome(run: RunFiles) -> bool:
    """Whether a run came to its end, and so has or had a result: what of it is gone now is missing."""
    sealed = seal_tag(RESULT_FILE) in run.record.tags
    return sealed or run.record.status == "FINISHED" or run.has(RESULT_FILE)


def _unfinished(run: RunFiles) -> UserError:
    cure = "`encore resume` brings a run with a checkpoint to its end; else run the experiment anew."
    return UserError(
        f"the run is {run.record.status} and has no finished record ({RESULT_FILE})",
        where=run.where,
        cure="It had one; restore the artifact." if had_outcome(run) else cure,
    )


def logged_points(run: RunFiles) -> dict[int, dict[str, float]]:
    """Every metric of every step and validation that the store has, by step."""
    points: dict[int, dict[str, float]] = {}
    for key in sorted(run.record.metrics):
        if key.startswith(("train/", "val/")):
            for step, value in run.store.metric_history(run.record.run_id, key):
                points.setdefault(step, {})[key] = value
    return points


def _untimed(points: Mapping[int, Mapping[str, Any]]) -> dict[int, dict[str, float]]:
    """`points` without what a clock decides."""
    return {
        step: {key: value for key, value in values.items() if not _TIMED.search(key)}
        for step, values in points.items()
    }


# Values by metric by optimiser step.
LoggedPoints = Mapping[int, Mapping[str, float]]
