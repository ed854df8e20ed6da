"""The Optuna study of a sweep: persisted, resumable, and the same trials however often it is interrupted."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING, Any

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
from sweeps.storage import StudyStorage, study_faults

if TYPE_CHECKING:
    import optuna

RUN_ATTRIBUTE = "run"  # trial attribute: the ID of its MLflow run
_LOST = "lost_trials"  # study attribute: numbers of trials whose process died; their values are queued again


@dataclass(frozen=True)
class Drawn:
    """A trial that the study has drawn: its number, from 0, and a value for each key of the space."""

    number: int
    values: dict[str, Any]


@dataclass(frozen=True)
class Search:
    """A study and what is needed to ask it for the next trial. Nobody else asks Optuna: see `study_faults`."""

    study: optuna.Study
    sweep: SearchConfig
    space: Mapping[str, Dimension]
    storage: StudyStorage

    @property
    def where(self) -> str:
        """The study by its name, for an error."""
        return f"study {self.study.study_name} in {self.storage.shown}"

    def faults(self) -> AbstractContextManager[None]:
        return study_faults(self.storage, self.where)

    def next_trial(self) -> Drawn:
        """Draw the next trial.

        Its values depend on the sweep's seed, its number and the results that the study has by then alone: an
        interrupted sweep continues as it would have, and no two processes that ask at once draw with one seed.
        """
        with self.faults():
            trial = self.study.ask()  # draws nothing yet
            self.study.sampler = _sampler(self.sweep, trial_seed(self.sweep.seed, self._place(trial.number)))
            return Drawn(trial.number, {key: _drawn(trial, key, self.space[key]) for key in self.space})

    def _place(self, number: int) -> int:
        """The number that a trial would have if no earlier one had been lost: each of those was queued again."""
        return number - sum(lost < number for lost in self._lost())

    def _lost(self) -> set[int]:
        return set(self.remembered(_LOST, ()))

    def _handle(self, number: int) -> optuna.Trial:
        """A trial that is running, whichever process has drawn it."""
        import optuna

        (trial,) = (trial for trial in self.trials() if trial.number == number)
        return optuna.Trial(self.study, trial._trial_id)  # pyright: ignore[reportPrivateUsage] it has no other name

    def goes_on(self, running: int = 0) -> bool:
        """Whether there is budget for one trial more than `running`; a grid also ends with its last combination."""
        if self.counted() + running >= self.sweep.budget.trials:
            return False
        return bool(self._in("WAITING")) or self.sweep.sampler.kind != "grid"

    def counted(self) -> int:
        """Trials that used up budget: finished, pruned or failed, but not those lost with their process."""
        lost = self._lost()
        return sum(trial.state.is_finished() and trial.number not in lost for trial in self.trials())

    def requeue_lost(self) -> int:
        """Requeue the trials that a dead process left running; how many."""
        running = self._in("RUNNING")
        for trial in running:
            queued = trial.system_attrs.get(
                "fixed_params", {}
            )  # its process may have died before it drew them
            self.requeue(Drawn(trial.number, {**queued, **trial.params}))
        return len(running)

    def requeue(self, trial: Drawn) -> None:
        """A trial that never ended does not count, and another one gets its values."""
        import optuna

        # In this order, killed at any point: the values are never lost, and queued twice at the very worst.
        waiting = self._in("WAITING")
        with self.faults():
            if not any(queued.system_attrs.get("fixed_params") == trial.values for queued in waiting):
                self.study.enqueue_trial(trial.values)
            self.remember(_LOST, sorted({*self._lost(), trial.number}))
            self.study.tell(trial.number, state=optuna.trial.TrialState.FAIL)

    def tell(self, number: int, value: float, *, run_id: str) -> None:
        """Trial `number` was run `run_id` and came to `value`."""
        with self.faults():
            self._handle(number).set_user_attr(RUN_ATTRIBUTE, run_id)
            self.study.tell(number, value)

    def tell_pruned(self, number: int, *, run_id: str) -> None:
        """Trial `number` was run `run_id`, which the pruner has stopped."""
        import optuna

        with self.faults():
            self._handle(number).set_user_attr(RUN_ATTRIBUTE, run_id)
            self.study.tell(number, state=optuna.trial.TrialState.PRUNED)

    def tell_failed(self, number: int) -> None:
        """Trial `number` came to nothing: its point of the space is a bad one."""
        import optuna

        with self.faults():
            self.study.tell(number, state=optuna.trial.TrialState.FAIL)

    def should_prune(self, number: int, value: float, *, step: int) -> bool:
        """Report what trial `number` has reached at an optimiser step, and ask the pruner."""
        with self.faults():
            trial = self._handle(number)
            trial.report(value, step)
            return trial.should_prune()

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


def open_search(
    sweep: SearchConfig,
    space: Mapping[str, Dimension],
    base: Mapping[str, Any],
    *,
    first: Mapping[str, Any],
    maximize: bool,
    storage: StudyStorage,
    store_uri: str,
) -> Search:
    """The study of this sweep in `storage`, new or gone on with.

    It is the same study as long as everything but the budget and the finale is the same. `first`:
    the values of its first trial.
    """
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    name = study_name(sweep, space, base, store_uri)
    with study_faults(storage, f"study {name} in {storage.shown}"):
        study = optuna.create_study(
            study_name=name,
            storage=storage.uri,
            direction="maximize" if maximize else "minimize",
            pruner=_pruner(sweep),
            load_if_exists=True,
        )
        for values in (first, *_grid(sweep, space)):  # each time: a process may have died between two of them
            study.enqueue_trial(dict(values), skip_if_exists=True)
    return Search(study, sweep, space, storage)


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


def trial_seed(seed: int, place: int) -> int:
    """A seed below 2**32 for the sampler of the trial at `place`, its number without those that were lost."""
    return int.from_bytes(hashlib.sha256(f"{seed}/{place}".encode()).digest()[:4], "big")


def _drawn(trial: optuna.Trial, key: str, dimension: Dimension) -> Any:
    match dimension:
        case FloatRange(low=low, high=high):
            return trial.suggest_float(key, low, high, log=dimension.log, step=dimension.step)
        case IntRange(low=low, high=high):
            return trial.suggest_int(key, low, high, log=dimension.log, step=dimension.step)
        case Choice(options=options):
            return trial.suggest_categorical(key, options)


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
