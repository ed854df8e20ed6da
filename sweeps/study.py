"""The Optuna study of a sweep: persisted, resumable, and the same trials however often it is interrupted."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Generator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any

from errors import LibraryError, UserError
from host.boundary import first_line
from host.sqlite import sqlite_fault
from sweeps.config import (
    Choice,
    Dimension,
    FloatRange,
    GridConfig,
    IntRange,
    MedianConfig,
    NoPruningConfig,
    RandomConfig,
    SearchConfig,
    SuccessiveHalvingConfig,
    TpeConfig,
)
from tracking.addresses import sqlite_uri

if TYPE_CHECKING:
    import optuna
    from optuna.distributions import BaseDistribution

    from experiments.config import ExperimentConfig

STUDY_FILE = "optuna.db"
RUN_ATTRIBUTE = "run"  # trial attribute: the ID of its MLflow run
_LOST = "lost_trials"  # study attribute: numbers of trials whose process died; their values come again


@dataclass(frozen=True)
class Search:
    """A study and what is needed to ask it for the next trial. Nobody else asks Optuna: see `study_faults`."""

    study: optuna.Study
    sweep: SearchConfig
    space: Mapping[str, Dimension]
    file: Path

    @property
    def where(self) -> str:
        """The study by its name, for an error."""
        return f"study {self.study.study_name} in {self.file}"

    def faults(self) -> AbstractContextManager[None]:
        return study_faults(self.file, self.where)

    def next_trial(self) -> optuna.Trial:
        """The next trial. Its draws depend on the seed, its place among the trials that were not lost and
        the results before it alone, so an interrupted sweep goes on as it would have gone."""
        with self.faults():
            self.study.sampler = _sampler(self.sweep, trial_seed(self.sweep.seed, self.counted()))
            return self.study.ask({key: _distribution(dimension) for key, dimension in self.space.items()})

    def goes_on(self) -> bool:
        """Whether there is budget for another trial; a grid also ends with its last combination."""
        if self.counted() >= self.sweep.budget.trials:
            return False
        return bool(self._in("WAITING")) or self.sweep.sampler.kind != "grid"

    def counted(self) -> int:
        """Trials that used up budget: finished, pruned or failed, but not those lost with their process."""
        lost = set(self.remembered(_LOST, ()))
        return sum(trial.state.is_finished() and trial.number not in lost for trial in self.trials())

    def take_up_lost(self) -> int:
        """Fail trials that a dead process left running and queue their values again; how many."""
        running = self._in("RUNNING")
        for trial in running:
            self.give_back(trial.number, trial.params)
        return len(running)

    def give_back(self, number: int, values: Mapping[str, Any]) -> None:
        """Trial `number` never ended: it does not count and its values come again."""
        import optuna

        # In this order, killed at any point: the values are never lost, and queued twice at the very worst.
        waiting = self._in("WAITING")
        with self.faults():
            if not any(trial.system_attrs.get("fixed_params") == dict(values) for trial in waiting):
                self.study.enqueue_trial(dict(values))
            self.remember(_LOST, [*self.remembered(_LOST, ()), number])
            self.study.tell(number, state=optuna.trial.TrialState.FAIL)

    def tell(self, trial: optuna.Trial, value: float, *, run_id: str) -> None:
        """Trial `trial` was run `run_id` and came to `value`."""
        with self.faults():
            trial.set_user_attr(RUN_ATTRIBUTE, run_id)
            self.study.tell(trial, value)

    def tell_pruned(self, trial: optuna.Trial, *, run_id: str) -> None:
        import optuna

        with self.faults():
            trial.set_user_attr(RUN_ATTRIBUTE, run_id)
            self.study.tell(trial, state=optuna.trial.TrialState.PRUNED)

    def tell_failed(self, trial: optuna.Trial) -> None:
        import optuna

        with self.faults():
            self.study.tell(trial, state=optuna.trial.TrialState.FAIL)

    def trials(self) -> list[optuna.trial.FrozenTrial]:
        with self.faults():
            return self.study.get_trials(deepcopy=False)

    def trial_of(self, run_id: str) -> optuna.trial.FrozenTrial | None:
        """The trial that was run `run_id`; none where it is not in the study (any more)."""
        return next((trial for trial in self.trials() if trial.user_attrs.get(RUN_ATTRIBUTE) == run_id), None)

    def remember(self, name: str, value: object) -> None:
        """Keep a JSON value with the study."""
        with self.faults():
            self.study.set_user_attr(name, value)

    def remembered(self, name: str, otherwise: Any) -> Any:
        """What was kept under `name`, or `otherwise`."""
        with self.faults():
            return self.study.user_attrs.get(name, otherwise)

    def _in(self, state: str) -> list[optuna.trial.FrozenTrial]:
        return [trial for trial in self.trials() if trial.state.name == state]


@contextmanager
def study_faults(file: Path, where: str) -> Generator[None]:
    """Turn whatever Optuna raises over its database `file` into one line; `where` names the study."""
    try:
        yield
    except UserError:
        raise
    except Exception as error:
        raise _study_fault(error, file, where) from error


def _study_fault(error: Exception, file: Path, where: str) -> UserError:
    reason = error.__cause__ if isinstance(error.__cause__, Exception) else error
    if "table schema" in str(error):
        return UserError(
            "the study was written by another version of Optuna",
            where=where,
            cure="Use the Encore that wrote it, or `optuna storage upgrade` on a copy of the file.",
        )
    return sqlite_fault(reason, file) or LibraryError(
        f"Optuna cannot go on with it ({first_line(reason)})",
        where=where,
        cure="Restore the file from a backup, or move it away: the sweep then begins anew, and its runs stay.",
    )


def open_search(
    sweep: SearchConfig,
    space: Mapping[str, Dimension],
    base: Mapping[str, Any],
    *,
    first: Mapping[str, Any],
    maximize: bool,
    root: Path,
    store_uri: str,
) -> Search:
    """The study of this sweep under `root`, new or gone on with.

    It is the same study as long as everything but the budget and the finale is the same. `first`:
    the values of its first trial.
    """
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    root.mkdir(parents=True, exist_ok=True)
    file, name = (root / STUDY_FILE).resolve(), study_name(sweep, space, base, store_uri)
    with study_faults(file, f"study {name} in {file}"):
        study = optuna.create_study(
            study_name=name,
            storage=sqlite_uri(file),
            direction="maximize" if maximize else "minimize",
            pruner=_pruner(sweep),
            load_if_exists=True,
        )
        for values in (first, *_grid(sweep, space)):  # each time: a process may have died between two of them
            study.enqueue_trial(dict(values), skip_if_exists=True)
    return Search(study, sweep, space, file)


def pruning(
    search: Search, trial: optuna.Trial, config: ExperimentConfig
) -> Callable[[int, Mapping[str, float]], bool]:
    """Reports the held-out metric at an optimiser step and asks the pruner, each step once."""
    decided: dict[int, bool] = {}

    def stop(step: int, metrics: Mapping[str, float]) -> bool:
        if step not in decided:
            with search.faults():
                trial.report(metrics[config.task.primary_metric], step)
                decided[step] = trial.should_prune()
        return decided[step]

    return stop


def _grid(sweep: SearchConfig, space: Mapping[str, Dimension]) -> list[dict[str, Any]]:
    """Every combination of a grid; none for other samplers.

    Optuna's own GridSampler ends a study from inside, which needs its own loop.
    """
    if sweep.sampler.kind != "grid":
        return []
    options = [dimension.options for dimension in space.values() if isinstance(dimension, Choice)]
    return [dict(zip(space, values, strict=True)) for values in product(*options)]


def study_name(
    sweep: SearchConfig, space: Mapping[str, Dimension], base: Mapping[str, Any], store_uri: str
) -> str:
    """`<sweep>-<8 hex digits>` of what decides the trials and of the store that holds their runs."""
    # `run` may be the beginning of an ID, or left out: `base` has the whole one.
    content = sweep.model_dump(mode="json", exclude={"budget", "finale", "description", "space", "run"})
    here = {key: dimension.model_dump(mode="json") for key, dimension in space.items()}
    text = json.dumps([content, here, base, store_uri], sort_keys=True)
    return f"{sweep.name}-{hashlib.sha256(text.encode()).hexdigest()[:8]}"


def trial_seed(seed: int, number: int) -> int:
    """A seed below 2**32 for the sampler of trial `number`."""
    return int.from_bytes(hashlib.sha256(f"{seed}/{number}".encode()).digest()[:4], "big")


def _distribution(dimension: Dimension) -> BaseDistribution:
    from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

    match dimension:
        case FloatRange():
            return FloatDistribution(dimension.low, dimension.high, log=dimension.log, step=dimension.step)
        case IntRange():
            return IntDistribution(dimension.low, dimension.high, log=dimension.log, step=dimension.step)
        case Choice():
            return CategoricalDistribution(dimension.options)


def _sampler(sweep: SearchConfig, seed: int) -> optuna.samplers.BaseSampler:
    import optuna

    match sweep.sampler:
        case TpeConfig(startup_trials=startup, multivariate=multivariate):
            return optuna.samplers.TPESampler(
                n_startup_trials=startup, multivariate=multivariate, constant_liar=False, seed=seed
            )
        case RandomConfig() | GridConfig():  # a grid's combinations all wait in the queue
            return optuna.samplers.RandomSampler(seed=seed)


def _pruner(sweep: SearchConfig) -> optuna.pruners.BasePruner:
    import optuna

    match sweep.pruner:
        case MedianConfig(startup_trials=startup, warmup_steps=warmup):
            return optuna.pruners.MedianPruner(n_startup_trials=startup, n_warmup_steps=warmup)
        case SuccessiveHalvingConfig(first_rung_steps=first, reduction_factor=factor):
            return optuna.pruners.SuccessiveHalvingPruner(min_resource=first, reduction_factor=factor)
        case NoPruningConfig():
            return optuna.pruners.NopPruner()
