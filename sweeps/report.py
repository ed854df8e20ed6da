"""What a sweep found: its trials as rows, the best of them, where the time went, and pictures."""

from __future__ import annotations

import re
import traceback
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Any

from experiments.config import ExperimentConfig
from host.boundary import first_line
from runs.layout import (
    BEST_RUN_TAG,
    EXPORT_GATE,
    GATE_TAG,
    STAGE_TAG,
    SWEEP_ERRORS_FILE,
    SWEEP_PAGE,
    SWEEP_TRIALS_FILE,
    TRIAL_TAG,
)
from tracking.entities import KILLED_BECAUSE_TAG

if TYPE_CHECKING:
    import optuna
    import plotly.graph_objects as go

    from sweeps.study import Search
    from tracking.entities import RunRecord
    from tracking.run_log import RunLog
    from tracking.store import Store


@dataclass(frozen=True)
class TrialRow:
    """One run of a sweep."""

    trial: int
    stage: str
    run_id: str
    status: str
    values: dict[str, str]
    metrics: dict[str, float]
    gate: str | None
    gate_verdict: str | None


@dataclass(frozen=True)
class SweepReport:
    """All runs of a sweep, the trials first, and the run that it selected by the held-out metric."""

    name: str
    parent_id: str
    primary_metric: str
    rows: tuple[TrialRow, ...]
    best: TrialRow | None
    importances: dict[str, float]
    seconds: dict[str, float]
    notes: tuple[str, ...]


def log_report(
    search: Search,
    store: Store,
    parent: RunLog,
    base: ExperimentConfig,
    notes: Sequence[str],
    *,
    best_id: str | None,
) -> SweepReport:
    """Collect the sweep's runs from the store and log the findings on its parent run.

    best_id: the run that the sweep selected; none: no run finished. What of the report cannot be made or kept is a
    note: it never takes the result with it.
    """
    below = store.runs(parent_id=parent.run_id)
    runs = [run for run in below if is_of_a_trial(run)]
    rows = sorted(
        (_row(run, search.space) for run in runs), key=lambda row: (row.stage == "finale", row.trial)
    )
    best = next((row for row in rows if row.run_id == best_id), None)
    attempts = Attempts()
    importances: dict[str, float] = {}
    with attempts("what mattered cannot be computed"):
        importances = _importances(search.study)
    page = _page(search.study, attempts)
    _log(parent, best, rows, importances)
    _log_files(parent, rows, page, attempts)
    return SweepReport(
        search.sweep.name,
        parent.run_id,
        f"best/{base.task.primary_metric}",
        tuple(rows),
        best,
        importances,
        _time_spent(runs),
        (*notes, *_left_out(below, runs), *attempts.notes),
    )


class Attempts:
    """What of a report may fail: a note each, and the traceback for who wants it."""

    def __init__(self) -> None:
        self.notes: list[str] = []
        self.tracebacks: list[str] = []

    @contextmanager
    def __call__(self, what: str) -> Generator[None]:
        try:
            yield
        except Exception as error:  # noqa: BLE001 whatever Optuna, plotly or a disk raises
            self.notes.append(f"{what} ({first_line(error)}).")
            self.tracebacks.append("".join(traceback.format_exception(error)))


def ranked(finished: Sequence[RunRecord], base: ExperimentConfig) -> list[RunRecord]:
    """Best held-out metric first; between equals the lower held-out loss, then the earlier."""
    sign = -1 if base.task.greater_is_better else 1
    key = f"best/{base.task.primary_metric}"
    return sorted(
        finished, key=lambda run: (sign * run.metrics[key], run.metrics["best/val/loss"], run.start_ms)
    )


def is_of_a_trial(run: RunRecord, stages: Sequence[str] = ("search", "finale")) -> bool:
    """Whether a run's tags say which trial it is of: in the UI any run can be put below a sweep's, or lose a tag."""
    trial, stage = run.tags.get(TRIAL_TAG, ""), run.tags.get(STAGE_TAG)
    return re.fullmatch("[0-9]{1,9}", trial) is not None and stage in stages


def _left_out(below: Sequence[RunRecord], runs: Sequence[RunRecord]) -> list[str]:
    odd = [run.run_id[:8] for run in below if run not in runs]
    return [f"left out, as their tags name no trial: {', '.join(odd)}."] if odd else []


def _row(run: RunRecord, space: Mapping[str, object]) -> TrialRow:
    return TrialRow(
        trial=int(run.tags[TRIAL_TAG]),
        stage=run.tags[STAGE_TAG],
        run_id=run.run_id,
        status="PRUNED" if run.tags.get(KILLED_BECAUSE_TAG) == "pruned" else run.status,
        values={key: run.params.get(key, "") for key in space},  # a run that died at once has none
        metrics=run.metrics,
        gate=run.tags.get(EXPORT_GATE),
        gate_verdict=run.tags.get(GATE_TAG),
    )


def _time_spent(runs: Sequence[RunRecord]) -> dict[str, float]:
    """Seconds over all runs by what they were spent on, most first."""
    spent: dict[str, float] = {}
    for run in runs:
        for key, value in run.metrics.items():
            if key.startswith("time/"):
                name = key.removeprefix("time/").removesuffix("_s")
                spent[name] = spent.get(name, 0.0) + value
    return dict(sorted(spent.items(), key=lambda item: -item[1]))


def _importances(study: optuna.Study) -> dict[str, float]:
    """Share of the metric's variance that each dimension explains; empty where it cannot be computed.

    Functional ANOVA (Hutter et al. 2014) over the finished trials; needs at least four, and values
    that differ.
    """
    import optuna

    finished = study.get_trials(states=(optuna.trial.TrialState.COMPLETE,))
    if len(finished) < 4 or len({trial.value for trial in finished}) < 2:
        return {}
    evaluator = optuna.importance.FanovaImportanceEvaluator(seed=0)
    return dict(optuna.importance.get_param_importances(study, evaluator=evaluator))


def _log_files(parent: RunLog, rows: Sequence[TrialRow], page: str, attempts: Attempts) -> None:
    with attempts("sweep/trials.json cannot be written"):
        parent.log_json([_as_json(row) for row in rows], SWEEP_TRIALS_FILE)
    with attempts("sweep/report.html cannot be written"):
        from plotly.offline import get_plotlyjs

        parent.log_text(page, SWEEP_PAGE, public=get_plotlyjs())
    if attempts.tracebacks:
        with attempts(f"{SWEEP_ERRORS_FILE} cannot be written"):
            parent.log_text("\n".join(attempts.tracebacks), SWEEP_ERRORS_FILE)


def _log(
    parent: RunLog, best: TrialRow | None, rows: Sequence[TrialRow], importances: Mapping[str, float]
) -> None:
    summary = {f"importance/{key}": value for key, value in importances.items()}
    searched = [row for row in rows if row.stage == "search" and row.status in {"FINISHED", "PRUNED"}]
    summary["sweep/trials"] = float(len(searched))
    summary["sweep/pruned"] = float(sum(row.status == "PRUNED" for row in rows))
    if best is not None:
        wanted = ("best/", "test/", "export/")
        summary |= {key: value for key, value in best.metrics.items() if key.startswith(wanted)}
        parent.set_tags({BEST_RUN_TAG: best.run_id})
    parent.log_summary(summary)


def _as_json(row: TrialRow) -> dict[str, Any]:
    return {
        "trial": row.trial,
        "stage": row.stage,
        "run_id": row.run_id,
        "status": row.status,
        **row.values,
        **{key: value for key, value in row.metrics.items() if key.startswith(("best/", "test/", "export/"))},
    }


def _page(study: optuna.Study, attempts: Attempts) -> str:
    """One HTML page of Optuna's plots; plotly's script stands in it once, so it opens offline."""
    parts: list[str] = []
    for name in _plots(study, attempts):
        with attempts(f"the plot {name.replace('_', ' ')} cannot be drawn"):
            parts.append(_figure(study, name, with_script=not parts))
    title = f"Sweep {study.study_name}"
    missing = "".join(f"<p>{escape(note)}</p>" for note in attempts.notes)
    return (
        f"<!doctype html><meta charset=utf-8><title>{title}</title><h1>{title}</h1>{missing}{''.join(parts)}"
    )


def _plots(study: optuna.Study, attempts: Attempts) -> list[str]:
    """Names of Optuna's plots that have something to show."""
    finished = 0
    with attempts("the study cannot be read for its plots"):
        finished = sum(trial.state.name == "COMPLETE" for trial in study.get_trials(deepcopy=False))
    more = ["parallel_coordinate", "slice"] if finished >= 2 else []
    return ["optimization_history", "intermediate_values", *more]


def _figure(study: optuna.Study, name: str, *, with_script: bool) -> str:
    from optuna import visualization

    figure: go.Figure = getattr(visualization, f"plot_{name}")(study)
    return figure.to_html(full_html=False, include_plotlyjs="inline" if with_script else False)
