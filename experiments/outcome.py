"""What came out of a run, as far as another run can be held against it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from errors import UserError
from experiments.record import DIGESTS_FILE, FORKED_FROM_TAG, RESULT_FILE, SPEEDS, seal_tag
from experiments.recorded import RunArtifacts, altered, check_sealed, ended_run
from host.boundary import boundary

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
        """By split: one row per example, in the split's order. UserError when a file is no such table."""
        return {split: _table(self.run, predictions_file(split)) for split in SCORED}


def _table(run: RunArtifacts, file: str) -> pd.DataFrame:
    import pandas as pd

    path = run.path(file)
    with boundary(f"{file} is no table", where=run.where, cure="The artifact was altered; restore it."):
        return pd.read_parquet(path)


def read_outcome(store: Store, record: RunRecord) -> Outcome:
    """The outcome of a run that ended; UserError, naming the file, when something of it is missing or unreadable."""
    run = ended_run(store, record)
    if not run.has(RESULT_FILE):
        raise _unfinished(run)
    result = _fields(run, RESULT_FILE, metrics=dict, steps=int, status=str)
    digests = _fields(run, DIGESTS_FILE)
    metrics = {
        key: v for key, v in _numbers(run, RESULT_FILE, result).items() if not key.startswith("export/")
    }
    if run.has(EXPORT_REPORT):  # a run may have been exported later, or again
        digests |= exported_digests(run)
        metrics |= _numbers(run, EXPORT_REPORT, _fields(run, EXPORT_REPORT, metrics=dict))
    for split in SCORED:
        run.path(predictions_file(split))  # needed as soon as something differs
    return Outcome(
        run,
        digests,
        _untimed(logged_points(store, record)),
        {key: value for key, value in metrics.items() if not _TIMED.search(key)},
        result["steps"],
        result["status"],
        int(record.tags.get(FORKED_FROM_TAG, "@0").rpartition("@")[2]),
    )


def exported_digests(run: RunArtifacts) -> dict[str, str]:
    """Of the files of the export, by their paths; UserError when its report is missing or unreadable."""
    report = _fields(run, EXPORT_REPORT, digests=dict)
    return {f"export/{file}": digest for file, digest in report["digests"].items()}


def check_outcome(outcome: Outcome) -> None:
    """UserError, naming the file, when a result, its digests or its answers are not what the run wrote."""
    from experiments.digests import table_digest

    run = outcome.run
    check_sealed(run, RESULT_FILE, DIGESTS_FILE)
    for split, recorded in ((split, outcome.digests.get(f"predictions/{split}")) for split in SCORED):
        if recorded is not None and table_digest(outcome.predictions[split]) != recorded:
            raise altered(run, predictions_file(split))


def had_outcome(run: RunArtifacts) -> bool:
    """Whether a run came to its end, and so has or had a result: what of it is gone now is missing."""
    sealed = seal_tag(RESULT_FILE) in run.record.tags
    return sealed or run.record.status == "FINISHED" or run.has(RESULT_FILE)


def _unfinished(run: RunArtifacts) -> UserError:
    cure = "`encore resume` brings a run with a checkpoint to its end; else run the experiment anew."
    return UserError(
        f"the run is {run.record.status} and has no finished record ({RESULT_FILE})",
        where=run.where,
        cure="It had one; restore the artifact." if had_outcome(run) else cure,
    )


def predictions_file(split: str) -> str:
    """Where a run keeps its answers to a split."""
    return f"predictions/{split}/predictions.parquet"


def _fields(run: RunArtifacts, file: str, **needed: type) -> dict[str, Any]:
    """The JSON object in `file`; UserError when it is none, or lacks a field or has one of another type."""
    content = run.json(file)
    fields = content if isinstance(content, dict) else {}
    missing = [name for name, kind in needed.items() if not isinstance(fields.get(name), kind)]
    if missing or not isinstance(content, dict):
        raise _unreadable(run, file, f"has no {', '.join(missing) or 'fields'}")
    return content


def _numbers(run: RunArtifacts, file: str, content: Mapping[str, Any]) -> dict[str, float]:
    """The metrics in the content of `file`; UserError when one is no number."""
    other = [key for key, value in content["metrics"].items() if not isinstance(value, (int, float))]
    if other:
        raise _unreadable(run, file, f"has no number for {', '.join(other)}")
    return content["metrics"]


def _unreadable(run: RunArtifacts, file: str, what: str) -> UserError:
    cure = "An earlier version of Encore wrote it, or it was altered; run the experiment anew."
    return UserError(f"{file} {what}", where=run.where, cure=cure)


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
