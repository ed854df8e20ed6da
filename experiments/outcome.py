"""What came out of a run, as far as another run can be held against it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from errors import UserError
from experiments.callbacks import SPEEDS
from experiments.record import DIGESTS_FILE, FORKED_FROM_TAG, RESULT_FILE
from experiments.recorded import RunArtifacts, check_is_one_run

if TYPE_CHECKING:
    import pandas as pd

    from tracking.records import RunRecord
    from tracking.store import Store

# Figures that a clock decides.
_TIMED = re.compile("|".join(["^(time|system)/", "latency", *map(re.escape, SPEEDS)]))
SCORED = ("val", "test")
EXPORT_REPORT = "export/report.json"


@dataclass(frozen=True)
class Outcome:
    """Digests by name, values by metric by step, final metrics, steps; predictions are read when asked for.

    Everything that a clock decides is left out.
    """

    run: RunArtifacts
    digests: dict[str, str]
    points: Mapping[int, Mapping[str, float]]
    metrics: dict[str, float]
    steps: int
    status: str
    begins_after: int = 0  # the step that a fork begins with

    @cached_property
    def predictions(self) -> dict[str, pd.DataFrame]:
        """By split: one row per example, in the split's order."""
        import pandas as pd

        return {split: pd.read_parquet(self.run.path(predictions_file(split))) for split in SCORED}


def read_outcome(store: Store, record: RunRecord) -> Outcome:
    """The outcome of a run that ended; UserError, naming the file, when something of it is missing or altered."""
    run = RunArtifacts(store, record)
    check_is_one_run(run)
    if not run.has(RESULT_FILE):
        raise UserError(
            f"the run is {record.status} and has no finished record ({RESULT_FILE})",
            where=run.where,
            cure="`encore resume` brings a run with a checkpoint to its end; else run the experiment anew.",
        )
    result = _fields(run, RESULT_FILE, "metrics", "steps", "status")
    digests = dict(_fields(run, DIGESTS_FILE))
    metrics = {key: value for key, value in result["metrics"].items() if not key.startswith("export/")}
    if run.has(EXPORT_REPORT):  # a run may have been exported later, or again
        report = _fields(run, EXPORT_REPORT, "metrics", "digests")
        digests |= {f"export/{file}": digest for file, digest in report["digests"].items()}
        metrics |= report["metrics"]
    for split in SCORED:
        run.path(predictions_file(split))  # needed as soon as something differs
    return Outcome(
        run,
        digests,
        _untimed(logged_points(store, record)),
        {key: value for key, value in metrics.items() if not _TIMED.search(key)},
        int(result["steps"]),
        str(result["status"]),
        int(record.tags.get(FORKED_FROM_TAG, "@0").rpartition("@")[2]),
    )


def predictions_file(split: str) -> str:
    """Where a run keeps its answers to a split."""
    return f"predictions/{split}/predictions.parquet"


def _fields(run: RunArtifacts, file: str, *needed: str) -> dict[str, Any]:
    """The JSON object in `file`; UserError when it is none or lacks a field."""
    content = run.json(file)
    missing = [field for field in needed if not isinstance(content, dict) or field not in content]
    if missing or not isinstance(content, dict):
        raise UserError(
            f"{file} has no {', '.join(missing) or 'fields'}",
            where=run.where,
            cure="An earlier version of Encore wrote it, or it was altered; run the experiment anew.",
        )
    return content


def logged_points(store: Store, record: RunRecord) -> dict[int, dict[str, float]]:
    """Every metric of every step and validation that the store has, by step."""
    points: dict[int, dict[str, float]] = {}
    for key in sorted(record.metrics):
        if key.startswith(("train/", "val/")):
            for step, value in store.metric_history(record.run_id, key):
                points.setdefault(step, {})[key] = value
    return points


def _untimed(points: Mapping[int, Mapping[str, Any]]) -> dict[int, dict[str, float]]:
    """`points` without what a clock decides."""
    return {
        step: {key: value for key, value in values.items() if not _TIMED.search(key)}
        for step, values in points.items()
    }
