"""The Optuna study of a sweep: persisted, resumable, and the same trials however often it is interrupted."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any

from errors import UserError
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
from tracking.faults import sqlite_fault

if TYPE_CHECKING:
    import optuna
    from optuna.distributions import BaseDistribution

    from experiments.config import ExperimentConfig

STUDY_FILE = "optuna.db"
_LOST = "lost_trials"  # study attribute: numbers of trials whose process died; their values come again


@dataclass(frozen=True)
class Search:
    """A study and what is needed to ask it for the next trial."""

    study: optuna.Study
    sweep: SearchConfig
    space: Mapping[str, Dimension]

    def next_trial(self) -> optuna.Trial:
        """The next trial. Its draws depend on the seed, its place among the trials that were not lost and
        the results before it alone, so an interrupted sweep goes on as it would have gone."""
        self.study.sampler = _sampler(self.sweep, trial_seed(self.sweep.seed, self.counted()))
        return self.study.ask({key: _distribution(dimension) for key, dimension in self.space.items()})

    def goes_on(self) -> bool:
        """Whether there is budget for another trial; a grid also ends with its last combination."""
        import optuna

        if self.counted() >= self.sweep.budget.trials:
            return False
        waiting = self.study.get_trials(deepcopy=False, states=(optuna.trial.TrialState.WAITING,))
        return bool(waiting) or self.sweep.sampler.kind != "grid"

    def counted(self) -> int:
        """Trials that used up budget: finished, pruned or failed, but not those lost with their process."""
        trials = self.study.get_trials(deepcopy=False)
        lost = set(self.study.user_attrs.get(_LOST, ()))
        return sum(trial.state.is_finished() and trial.number not in lost for trial in trials)

    def take_up_lost(self) -> int:
        """Fail trials that a dead process left running and queue their values again; how many."""
        import optuna

        running = self.study.get_trials(deepcopy=False, states=(optuna.trial.TrialState.RUNNING,))
        for trial in running:
            self.give_back(trial.number, trial.params)
        return len(running)

    def give_back(self, number: int, values: Mapping[str, Any]) -> None:
        """Trial `number` never ended: it does not count and its values come again."""
        import optuna

        # In this order, killed at any point: the values are never lost, and queued twice at the very worst.
        waiting = self.study.get_trials(deepcopy=False, states=(optuna.trial.TrialState.WAITING,))
        if not any(trial.system_attrs.get("fixed_params") == dict(values) for trial in waiting):
            self.study.enqueue_trial(dict(values))
        self.study.set_user_attr(_LOST, [*self.study.user_attrs.get(_LOST, ()), number])
        self.study.tell(number, state=optuna.trial.TrialState.FAIL)


@contextmanager
def study_faults(root: Path) -> Generator[None]:
    """Turn what Optuna's file under `root` can suffer into a `UserError`."""
    from optuna.exceptions import StorageInternalError
    from sqlalchemy.exc import DatabaseError

    where = str(root / STUDY_FILE)
    try:
        yield
    except (DatabaseError, StorageInternalError) as error:
        reason = str(error.__cause__ or error).splitlines()[0]
        known = sqlite_fault(reason, where)
        if known is not None:
            raise known from error
        raise UserError(
            f"the study cannot be kept here ({reason[:160]})",
            where=where,
            cure="Look at the file and its disk.",
        ) from error
    except RuntimeError as error:
        if "table schema" not in str(error):
            raise
        raise UserError(
            "the study was written by another version of Optuna",
            where=where,
            cure="Use the Encore that wrote it, or `optuna storage upgrade` on a copy of the file.",
        ) from error


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
    study = optuna.create_study(
        study_name=study_name(sweep, space, base, store_uri),
        storage=sqlite_uri((root / STUDY_FILE).resolve()),
        direction="maximize" if maximize else "minimize",
        pruner=_pruner(sweep),
        load_if_exists=True,
    )
    for values in (first, *_grid(sweep, space)):  # each time: a process may have died between two of them
        study.enqueue_trial(dict(values), skip_if_exists=True)
    return Search(study, sweep, space)


def pruning(trial: optuna.Trial, config: ExperimentConfig) -> Callable[[int, Mapping[str, float]], bool]:
    """Reports the held-out metric at an optimiser step and asks the pruner, each step once."""
    decided: dict[int, bool] = {}

    def stop(step: int, metrics: Mapping[str, float]) -> bool:
        if step not in decided:
            trial.report(metrics[config.primary_metric], step)
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
