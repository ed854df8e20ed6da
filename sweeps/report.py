"""What a sweep found: its trials as rows, the best of them, where the time went, and pictures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from comparison.report.attempts import Attempts
from comparison.report.page import page_of
from comparison.report.subject import subject_of
from experiments.config import ExperimentConfig
from runs.layout import BEST_RUN_TAG, STAGE_TAG, SWEEP_ERRORS_FILE, SWEEP_PAGE, SWEEP_TRIALS_FILE
from runs.trials import is_of_a_trial, ranked, selection_score
from sweeps.recorded import recorded_report
from sweeps.rows import SweepReport, TrialRow, left_out, rows_of
from sweeps.telling import tell_sweep

if TYPE_CHECKING:
    import optuna

    from sweeps.study import Search
    from tracking.entities import RunRecord
    from tracking.run_log import RunLog
    from tracking.store import Store


def log_report(
    search: Search,
    store: Store,
    parent: RunLog,
    base: ExperimentConfig,
    notes: Sequence[str],
    *,
    best_id: str | None,
    given: Mapping[str, str],
) -> SweepReport:
    """Collect the sweep's runs from the store and log the findings on its parent run.

    best_id: the run that the sweep selected; none: no run finished. given: its overrides. What of the
    report cannot be made or kept is a note: it never takes the result with it.
    """
    below = store.runs(parent_id=parent.run_id)
    runs = [run for run in below if is_of_a_trial(run)]
    rows = rows_of(runs, search.space)
    best = next((row for row in rows if row.run_id == best_id), None)
    attempts = Attempts()
    _log(parent, best, rows, _mattered(search.study, attempts))
    tell_sweep(store, parent, search.sweep, given, base.task, _ordered(runs, base, best_id))
    _log_files(parent, rows, attempts)
    if any(selection_score(run, base.task) is not None for run in runs):
        _log_page(store, parent, [*notes, *left_out(below, runs)], attempts)
    parent.flush()
    report = recorded_report(store, store.find(parent.run_id), notes, attempts)
    _log_errors(parent, attempts)
    return report


def _mattered(study: optuna.Study, attempts: Attempts) -> dict[str, float]:
    with attempts("what mattered cannot be computed"):
        return _importances(study)
    return {}


def _ordered(runs: Sequence[RunRecord], base: ExperimentConfig, best_id: str | None) -> list[RunRecord]:
    """The selected run, finished ones of its stage, then of the other, pruned ones, those without a score: by rank."""
    stage = next((run.tags[STAGE_TAG] for run in runs if run.run_id == best_id), "search")

    def first(run: RunRecord) -> tuple[bool, bool, bool, bool]:
        unscored = selection_score(run, base.task) is None
        return run.run_id != best_id, unscored, run.status != "FINISHED", run.tags[STAGE_TAG] != stage

    return sorted(ranked(runs, base.task), key=first)


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


def _log_files(parent: RunLog, rows: Sequence[TrialRow], attempts: Attempts) -> None:
    with attempts("sweep/trials.json cannot be written"):
        parent.log_json([_as_json(row) for row in rows], SWEEP_TRIALS_FILE)


def _log_page(store: Store, parent: RunLog, notes: Sequence[str], attempts: Attempts) -> None:
    """The page that `encore report` writes, with what this session has to say."""
    with attempts("sweep/report.html cannot be written"):
        parent.flush()  # the page reads the store
        parent.log_text(page_of(subject_of(store, [parent.run_id]), attempts, notes), SWEEP_PAGE)


def _log_errors(parent: RunLog, attempts: Attempts) -> None:
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
