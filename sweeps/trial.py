"""One training of a sweep: plain data in, plain data out, so that any process can run it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from errors import RunError, UserError
from experiments.config import ExperimentConfig
from experiments.training.exporting import ExportFailedError
from experiments.training.origin import FromScratch, Hooks, RunIdentity
from experiments.training.train import train
from host.progress import Reporter
from runs.layout import KIND_TAG, STAGE_TAG, SWEEP_TAG, TRIAL_TAG, RunKind
from runs.result import RunResult

if TYPE_CHECKING:
    from sweeps.study import Search
    from tracking.store import Store


@dataclass(frozen=True)
class Trial:
    """What is trained and what its run is called. All of it is JSON.

    config: the experiment, complete. progress: shown with the trial's name, such as `3 of 8 done`. reuse: take the
    result of a finished run of the same recipe.
    """

    sweep: str
    parent_id: str
    number: int
    stage: Literal["search", "finale"]
    config: Mapping[str, Any]
    name: str
    progress: str | None
    reuse: bool

    @property
    def label(self) -> str:
        """Trials have Optuna's numbers, from 0, everywhere."""
        return f"the finale of trial {self.number}" if self.stage == "finale" else f"trial {self.number}"


@dataclass(frozen=True)
class TrialResult:
    """What became of a trial. run: none where it failed, for the reason `failure`. notes: for the sweep's report."""

    run: RunResult | None
    failure: str | None = None
    notes: tuple[str, ...] = ()


def run_trial(trial: Trial, store: Store, search: Search, reporter: Reporter) -> TrialResult:
    """Train `trial` as one run in `store`; one of the search asks the study's pruner after every validation.

    Raises what the next trial would meet too, such as a full disk or a store that is gone.
    """
    config = ExperimentConfig.model_validate(trial.config)
    pruned = trial.stage == "search"
    hooks = Hooks(
        reporter,
        pruning(search, trial.number, config.task.primary_metric) if pruned else None,
        title=f"{trial.sweep}, {trial.label}" + (f" ({trial.progress})" if trial.progress else ""),
    )
    origin = FromScratch(reuse=trial.reuse, export=config.export.when == "finished")
    notes: list[str] = []
    try:
        run = train(config, store, origin, _identity(trial), hooks)
    except ExportFailedError as error:
        if type(error.__cause__) is UserError:  # such as a full disk, which the next run would meet too
            raise
        run = error.result
        notes.append(str(error))
    except RunError as error:  # one bad point of the space is a result; it must not end the search
        return TrialResult(None, failure=error.what)
    if run.reused is not None:
        notes.append(f"{trial.label} reuses run {run.reused[:8]}, of the same recipe.")
    return TrialResult(run, notes=tuple(notes))


def _identity(trial: Trial) -> RunIdentity:
    tags = {
        KIND_TAG: RunKind.TRIAL,
        SWEEP_TAG: trial.sweep,
        STAGE_TAG: trial.stage,
        TRIAL_TAG: str(trial.number),
    }
    return RunIdentity(trial.name, trial.parent_id, tags)


def pruning(search: Search, number: int, metric: str) -> Callable[[int, Mapping[str, float]], bool]:
    """Reports the held-out `metric` of trial `number` at an optimiser step and asks the pruner, each step once."""
    decided: dict[int, bool] = {}

    def stop(step: int, metrics: Mapping[str, float]) -> bool:
        if step not in decided:
            decided[step] = search.should_prune(number, metrics[metric], step=step)
        return decided[step]

    return stop
