"""Run a sweep: ask, train, tell, until the budget is used; then the finale and the best run's export."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

from errors import UserError
from experiments.naming import experiment_of
from experiments.training.exporting import export_run
from experiments.training.headline import views_saved
from host.progress import SILENT, Reporter
from runs.files import RunFiles
from runs.layout import BUDGET_TAG, DONE_TAG, SWEEP_FILE, is_exported
from runs.result import RunResult
from sweeps.config import SweepConfig
from sweeps.finale import Finale
from sweeps.finished import asked, known_sweep
from sweeps.launchers.inline import InlineLauncher
from sweeps.plan import Plan, plan_of, start_parent
from sweeps.report import log_report
from sweeps.rows import SweepReport
from sweeps.session import Deadline, search_on, session
from sweeps.storage import StudyStorage
from sweeps.study import Drawn, Search, open_search
from sweeps.trial import Trial, TrialResult, run_trial

if TYPE_CHECKING:
    from tracking.entities import RunRecord
    from tracking.run_log import RunLog
    from tracking.store import Store

OnTrial = Callable[[str, RunResult], None]


def run_sweep(
    sweep: SweepConfig,
    store: Store,
    *,
    overrides: Sequence[str] = (),
    again: bool = False,
    reporter: Reporter = SILENT,
    on_trial: OnTrial | None = None,
) -> SweepReport:
    """Search `sweep` up to its budget and record it: one parent run, one child run per trial.

    Run again, it continues where it stopped. again: train also what has already finished elsewhere, instead of
    taking it over. on_trial: called with every run that ended and what it was, such as `trial 0`.
    Raises UserError for a space that does not fit the experiment, and whatever stops a run for a
    reason that would stop the next one too (a full disk, a store that is gone).
    """
    known = known_sweep(sweep, overrides, store)
    if known is not None:
        return known
    plan = plan_of(sweep, overrides, store, reporter, reuse=not again)

    def open_study(storage: StudyStorage, store_uri: str) -> Search:
        return open_search(
            sweep,
            plan.space,
            plan.mapping,
            first=plan.first,
            maximize=plan.base.task.greater_is_better,
            storage=storage,
            store_uri=store_uri,
        )

    with session(sweep, store, open_study, lambda search: start_parent(plan, search, store)) as (
        search,
        parent,
    ):
        report = _Session(plan, search, store, parent, reporter, on_trial).run()
    views_saved(store, experiment_of(plan.base).name, reporter)
    return report


@dataclass
class _Session:
    """One command's work on a sweep; `notes` grows for its report."""

    plan: Plan
    search: Search
    store: Store
    parent: RunLog
    reporter: Reporter
    on_trial: OnTrial | None
    notes: list[str] = field(default_factory=list[str])

    def run(self) -> SweepReport:
        sweep = self.plan.sweep
        # Written by every session: the budget and the finale may have grown.
        self.parent.log_json(sweep.model_dump(mode="json"), SWEEP_FILE)
        self.parent.set_tags({BUDGET_TAG: sweep.budget.model_dump_json()})
        if not self.plan.reuse and not self.search.goes_on():
            self.notes.append("this sweep has used its budget; another seed or a larger budget trains more.")
        trained = partial(run_trial, store=self.store, search=self.search, reporter=self.reporter)
        launcher = InlineLauncher[Trial, TrialResult](lambda trial: self._noted(trial, trained(trial)))
        search_on(self.search, Deadline(sweep.budget.minutes), launcher, self._trial, self._tell)
        finale = Finale(self.plan, self.search, self.store, self.parent.run_id)
        if sweep.finale is not None:
            finale.run(sweep.finale, lambda trial: self._noted(trial, trained(trial)))
        selected = finale.selected()
        if self.plan.base.export.when == "best" and selected is not None and not is_exported(selected):
            self._export(selected)
        report = log_report(
            self.search,
            self.store,
            self.parent,
            self.plan.base,
            [*self.plan.notes, *self.notes],
            best_id=None if selected is None else selected.run_id,
            given=self.plan.given,
        )
        if not self.search.goes_on() and self._is_exported(report):
            self.parent.set_tags({DONE_TAG: asked(sweep, self.plan.mapping)})
        return report

    def _is_exported(self, report: SweepReport) -> bool:
        """Whether the export that was asked for is there; the same command tries again what failed."""
        if self.plan.base.export.when != "best" or report.best is None:
            return True
        return is_exported(self.store.find(report.best.run_id))

    def _trial(self, drawn: Drawn) -> Trial:
        progress = f"{self.search.counted()} of {self.plan.sweep.budget.trials} done"  # some are lost
        return self.plan.trial(
            drawn.number, drawn.values, stage="search", parent_id=self.parent.run_id, progress=progress
        )

    def _noted(self, trial: Trial, result: TrialResult) -> TrialResult:
        if result.failure is not None:
            self.notes.append(f"{trial.label} failed: {result.failure}.")
        self.notes += result.notes
        if result.run is not None and self.on_trial is not None:
            self.on_trial(trial.label, result.run)
        return result

    def _tell(self, number: int, result: TrialResult) -> None:
        if result.run is None:
            self.search.tell_failed(number)
        elif result.run.status == "pruned":
            self.search.tell_pruned(number, run_id=result.run.run_id)
        else:
            value = result.run.metrics[f"best/{self.plan.base.task.primary_metric}"]
            self.search.tell(number, value, run_id=result.run.run_id)

    def _export(self, selected: RunRecord) -> None:
        """An export that fails is a note; the run's tag makes the command exit with 1."""
        try:
            export_run(RunFiles(self.store, selected), reporter=self.reporter)
        except UserError as error:
            self.notes.append(f"the export of run {selected.run_id[:8]} failed: {error}")
