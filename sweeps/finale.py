"""The finale of a sweep: its best trials once more, longer; and which run is the sweep's best."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from runs.layout import STAGE_TAG
from runs.trials import is_of_a_trial, ranked

if TYPE_CHECKING:
    import optuna

    from sweeps.config import FinaleConfig
    from sweeps.plan import Plan
    from sweeps.study import Search
    from sweeps.trial import Trial, TrialResult
    from tracking.entities import RunRecord
    from tracking.store import Store

_DONE = "finale_runs"  # study attribute: run by `<trial> <overrides>`, whatever overrides earlier finales had


@dataclass(frozen=True)
class Finale:
    """The runs of a sweep, judged by the held-out metric."""

    plan: Plan
    search: Search
    store: Store
    parent_id: str

    def run(self, finale: FinaleConfig, run_trial: Callable[[Trial], TrialResult]) -> None:
        """Train the best trials of the search again with the finale's overrides, each once over all sessions."""
        done = self._done()
        for trial in self._best_trials(finale.top):
            entry = f"{trial.number} {_asked(finale)}"
            if entry in done:
                continue
            values = {**trial.params, **finale.overrides}
            result = run_trial(
                self.plan.trial(trial.number, values, stage="finale", parent_id=self.parent_id)
            )
            if result.run is not None:
                done[entry] = result.run.run_id
                self.search.remember(_DONE, done)

    def selected(self) -> RunRecord | None:
        """The best run of this finale, or without one of the search, by the held-out metric.

        Not the best of both: a finale may hold out fewer rows, and scores on different rows do not compare.
        """
        runs, finale = self._finished_runs(), self.plan.sweep.finale
        if finale is not None:
            finales = {run for entry, run in self._done().items() if entry.split(" ", 1)[1] == _asked(finale)}
            runs = [run for run in runs if run.run_id in finales] or runs
        return next(iter(ranked(runs, self.plan.base.task)), None)

    def _done(self) -> dict[str, str]:
        return dict(self.search.remembered(_DONE, {}))

    def _best_trials(self, top: int) -> list[optuna.trial.FrozenTrial]:
        """Of the search, in the order in which the report ranks their runs."""
        runs = [run for run in self._finished_runs() if run.tags[STAGE_TAG] == "search"]
        trials = (self.search.trial_of(run.run_id) for run in ranked(runs, self.plan.base.task))
        return [trial for trial in trials if trial is not None][:top]

    def _finished_runs(self) -> list[RunRecord]:
        runs = self.store.runs(parent_id=self.parent_id)
        return [run for run in runs if run.status == "FINISHED" and is_of_a_trial(run)]


def _asked(finale: FinaleConfig) -> str:
    return json.dumps(finale.overrides, sort_keys=True)
