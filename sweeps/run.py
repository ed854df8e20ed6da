"""Run a sweep: ask, train, tell, until the budget is used; then the finale and the best run's export."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from datamodules.summary import summary_of
from errors import RunError, UserError
from experiments.build import build, pinned
from experiments.config import ExperimentConfig
from experiments.naming import overrides_for_name, run_name, task_name
from experiments.training.exporting import ExportFailedError, export_run
from experiments.training.inputs import tell_data
from experiments.training.origin import FromScratch, Hooks, RunIdentity
from experiments.training.train import train
from host.progress import SILENT, Reporter
from runs.files import RunFiles
from runs.layout import BUDGET_TAG, KIND_TAG, STAGE_TAG, STUDY_TAG, SWEEP_TAG, TRIAL_TAG, RunKind, is_exported
from runs.result import RunResult
from schema.validation import parse
from sweeps.config import SweepConfig
from sweeps.leases import owned
from sweeps.loading import base_experiment
from sweeps.report import SweepReport, is_of_a_trial, log_report, ranked
from sweeps.session import Deadline, ended, parent_run, place_of
from sweeps.space import base_values, check_reach, space_here, trial_config
from sweeps.study import Search, open_search, pruning
from tracking.entities import Experiment

if TYPE_CHECKING:
    import optuna

    from sweeps.config import Dimension
    from tracking.entities import RunRecord
    from tracking.run_log import RunLog
    from tracking.store import Store

_FINALE = "finale_runs"  # study attribute


def run_sweep(
    sweep: SweepConfig,
    store: Store,
    *,
    overrides: Sequence[str] = (),
    again: bool = False,
    reporter: Reporter = SILENT,
    on_trial: Callable[[str, RunResult], None] | None = None,
) -> SweepReport:
    """Search `sweep` up to its budget and record it: one parent run, one child run per trial.

    Run again, it goes on where it stopped. again: train also what has already finished elsewhere, instead of
    taking it over. on_trial: called with every run that ended and what it was, such as `trial 0`.
    Raises UserError for a space that does not fit the experiment, and whatever stops a run for a
    reason that would stop the next one too (a full disk, a store that is gone).
    """
    plan = _plan(sweep, overrides, store, reporter)
    lock = store.root / "journal" / f"sweep-{sweep.name}.lock"
    with owned(lock, what=f"sweep {sweep.name}"):
        search = open_search(
            sweep,
            plan.space,
            plan.mapping,
            first=plan.first,
            maximize=plan.base.task.greater_is_better,
            root=store.root,
            store_uri=place_of(store),
        )
        search.take_up_lost()
        parent = parent_run(search, store, lambda: _start_parent(plan, search, store))
        sitting = _Sitting(plan, search, store, parent, reporter, on_trial, again)
        with ended(parent):
            # Written at every sitting: the budget and the finale may have grown.
            parent.log_json(sweep.model_dump(mode="json"), "sweep/sweep.json")
            parent.set_tags({BUDGET_TAG: sweep.budget.model_dump_json()})
            return sitting.go()


@dataclass(frozen=True)
class _Plan:
    """A sweep of its experiment, checked; nothing of it is recorded yet."""

    sweep: SweepConfig
    base: ExperimentConfig
    mapping: dict[str, Any]  # the base as the trials' values are put into it
    space: dict[str, Dimension]
    first: dict[str, Any]
    given: dict[str, str]  # overrides that hold for all trials and tell this sweep from others of its name
    notes: list[str]  # grows while it runs


def _plan(sweep: SweepConfig, overrides: Sequence[str], store: Store, reporter: Reporter) -> _Plan:
    """UserError for what the first trial would refuse, before a run begins."""
    mapping = base_experiment(sweep, overrides)
    base = pinned(parse(ExperimentConfig, mapping, where=sweep.name), cache_dir=store.root / "cache")
    # One commit for all trials, and another study when the hub has moved on: trials on other data do not compare.
    mapping = base.model_dump(mode="json")
    space, notes = space_here(sweep, base)
    given = overrides_for_name(overrides)
    notes += _moved_first_trials(given, space)
    for note in notes:
        reporter.say(f"note: {note}", "warning")
    first = base_values(sweep, base, space)
    check_reach(sweep, mapping, space)
    tell_data(reporter, summary_of(build(base, cache_dir=store.root / "cache", reporter=reporter).data))
    return _Plan(sweep, base, mapping, space, first, given, notes)


def _moved_first_trials(given: Mapping[str, str], space: Mapping[str, object]) -> list[str]:
    """A sentence for each override of a key that the search draws."""
    return [
        f"{key} is drawn by the search; {given[key]} is the first trial's." for key in given if key in space
    ]


def _start_parent(plan: _Plan, search: Search, store: Store) -> RunLog:
    sweep, base = plan.sweep, plan.base
    parent = store.start_run(
        experiment=Experiment(
            task_name(base), f"best/{base.task.primary_metric}", base.task.greater_is_better
        ),
        name=" ".join([f"sweep {sweep.name}", *(f"{key}={value}" for key, value in plan.given.items())]),
        params={
            "sweep": sweep.name,
            "experiment": sweep.experiment,
            "sampler": sweep.sampler.model_dump_json(),
            "pruner": sweep.pruner.model_dump_json(),
            **{f"space/{key}": dimension.model_dump_json() for key, dimension in search.space.items()},
        },
        tags={KIND_TAG: RunKind.SWEEP, SWEEP_TAG: sweep.name, STUDY_TAG: search.study.study_name},
        description="\n".join([f"**{sweep.description}**", "", *(f"- {note}" for note in plan.notes)]),
    )
    parent.log_json(base.model_dump(mode="json"), "sweep/base_experiment.json")
    return parent


@dataclass(frozen=True)
class _Work:
    """One run of a sweep. varied: its values, as its name tells them. number: of the trial."""

    config: ExperimentConfig
    varied: Mapping[str, Any]
    stage: Literal["search", "finale"]
    number: int
    stop_when: Callable[[int, Mapping[str, float]], bool] | None

    @property
    def what(self) -> str:
        return f"the finale of trial {self.number}" if self.stage == "finale" else f"trial {self.number}"


@dataclass
class _Sitting:
    plan: _Plan
    search: Search
    store: Store
    parent: RunLog
    reporter: Reporter
    on_trial: Callable[[str, RunResult], None] | None
    again: bool

    def go(self) -> SweepReport:
        if self.again and not self.search.goes_on():
            self.plan.notes.append(
                "this sweep has used its budget; another seed or a larger budget trains more."
            )
        deadline = Deadline(self.plan.sweep.budget.minutes)
        while self.search.goes_on() and deadline.ahead():
            self._trial()
        if self.plan.sweep.finale is not None:
            self._finale()
        selected = self._selected()
        if self.plan.base.export.when == "best" and selected is not None and not is_exported(selected):
            self._export(selected)
        best_id = None if selected is None else selected.run_id
        return log_report(
            self.search, self.store, self.parent, self.plan.base, self.plan.notes, best_id=best_id
        )

    def _export(self, selected: RunRecord) -> None:
        """An export that fails is a note; the run's tag makes the command exit with 1."""
        try:
            export_run(RunFiles(self.store, selected), reporter=self.reporter)
        except UserError as error:
            self.plan.notes.append(f"the export of run {selected.run_id[:8]} failed: {error}")

    def _trial(self) -> None:
        trial = self.search.next_trial()
        config = trial_config(self.plan.sweep, self.plan.mapping, trial.params)
        stop_when = pruning(self.search, trial, config)
        try:
            result = self._train(_Work(config, trial.params, "search", trial.number, stop_when))
        except RunError as error:
            # One bad point of the space is a result; it must not end the search.
            self.plan.notes.append(f"trial {trial.number} failed: {error.what}.")
            self.search.tell_failed(trial)
            return
        except BaseException:
            self.search.give_back(trial.number, trial.params)
            raise
        if result.status == "pruned":
            self.search.tell_pruned(trial, run_id=result.run_id)
        else:
            value = result.metrics[f"best/{self.plan.base.task.primary_metric}"]
            self.search.tell(trial, value, run_id=result.run_id)

    def _train(self, work: _Work) -> RunResult:
        try:
            result = self._trained(work)
        except ExportFailedError as error:
            if type(error.__cause__) is UserError:  # such as a full disk, which the next run would meet too
                raise
            self.plan.notes.append(str(error))
            result = error.result
        if result.reused is not None:
            self.plan.notes.append(f"{work.what} reuses run {result.reused[:8]}, of the same recipe.")
        if self.on_trial is not None:
            self.on_trial(work.what, result)
        return result

    def _trained(self, work: _Work) -> RunResult:
        origin = FromScratch(reuse=not self.again, export=work.config.export.when == "finished")
        tags = {
            KIND_TAG: RunKind.TRIAL,
            SWEEP_TAG: self.plan.sweep.name,
            STAGE_TAG: work.stage,
            TRIAL_TAG: str(work.number),
        }
        name = run_name(work.config, {**self.plan.given, **work.varied})
        hooks = Hooks(self.reporter, work.stop_when, self._title(work))
        return train(work.config, self.store, origin, RunIdentity(name, self.parent.run_id, tags), hooks)

    def _title(self, work: _Work) -> str:
        """Trials have Optuna's numbers, from 0, everywhere; how many are done is another figure: some are lost."""
        title = f"{self.plan.sweep.name}, {work.what}"
        if work.stage == "finale":
            return title
        return f"{title} ({self.search.counted()} of {self.plan.sweep.budget.trials} done)"

    def _finale(self) -> None:
        """The best trials of the search again with the finale's overrides, each once."""
        assert self.plan.sweep.finale is not None
        done = self._finales_done()
        for trial in self._best_trials(self.plan.sweep.finale.top):
            entry = f"{trial.number} {self._finale_asked()}"
            if entry in done:
                continue
            values = {**trial.params, **self.plan.sweep.finale.overrides}
            config = trial_config(self.plan.sweep, self.plan.mapping, values)
            try:
                result = self._train(_Work(config, values, "finale", trial.number, None))
            except RunError as error:
                self.plan.notes.append(f"the finale of trial {trial.number} failed: {error.what}.")
                continue
            done[entry] = result.run_id
            self.search.remember(_FINALE, done)

    def _finale_asked(self) -> str:
        assert self.plan.sweep.finale is not None
        return json.dumps(self.plan.sweep.finale.overrides, sort_keys=True)

    def _finales_done(self) -> dict[str, str]:
        """Run by `<trial> <overrides>`, over all sittings and whatever overrides they had."""
        return dict(self.search.remembered(_FINALE, {}))

    def _selected(self) -> RunRecord | None:
        """The best run of this finale, or without one of the search, by the held-out metric.

        Not the best of both: a finale may hold out fewer rows, and scores on different rows do not compare.
        """
        runs = self._finished_runs()
        if self.plan.sweep.finale is not None:
            asked = self._finale_asked()
            finales = {run for entry, run in self._finales_done().items() if entry.split(" ", 1)[1] == asked}
            runs = [run for run in runs if run.run_id in finales] or runs
        return next(iter(ranked(runs, self.plan.base)), None)

    def _best_trials(self, top: int) -> list[optuna.trial.FrozenTrial]:
        """Of the search, in the order in which the report ranks their runs."""
        runs = [run for run in self._finished_runs() if run.tags[STAGE_TAG] == "search"]
        trials = (self.search.trial_of(run.run_id) for run in ranked(runs, self.plan.base))
        return [trial for trial in trials if trial is not None][:top]

    def _finished_runs(self) -> list[RunRecord]:
        runs = self.store.runs(parent_id=self.parent.run_id)
        return [run for run in runs if run.status == "FINISHED" and is_of_a_trial(run)]
