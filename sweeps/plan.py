"""A sweep of its experiment, checked before anything of it is recorded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from datamodules.summary import summary_of
from experiments.build import build, pinned
from experiments.config import ExperimentConfig
from experiments.naming import experiment_of, overrides_for_name, sweep_name, trial_name
from experiments.parents import named
from experiments.training.inputs import tell_data
from experiments.training.parents import parents_of
from host.progress import Reporter
from runs.layout import KIND_TAG, STUDY_TAG, SWEEP_BASE_FILE, SWEEP_TAG, RunKind
from schema.validation import parse
from sweeps.config import SweepConfig
from sweeps.loading import base_experiment
from sweeps.space import base_values, check_reach, space_here, trial_config
from sweeps.trial import Trial

if TYPE_CHECKING:
    from sweeps.config import Dimension
    from sweeps.study import Search
    from tracking.run_log import RunLog
    from tracking.store import Store


@dataclass(frozen=True)
class Plan:
    """What a sweep does.

    mapping: the base experiment as the trials' values are put into it. first: the values of the first trial. given:
    overrides that hold for all trials and tell this sweep from others of its name. notes: what this machine leaves out
    of it. reuse: take over what has already finished elsewhere.
    """

    sweep: SweepConfig
    base: ExperimentConfig
    mapping: dict[str, Any]
    space: dict[str, Dimension]
    first: dict[str, Any]
    given: dict[str, str]
    notes: tuple[str, ...]
    reuse: bool

    def trial(
        self,
        number: int,
        values: Mapping[str, Any],
        *,
        stage: Literal["search", "finale"],
        parent_id: str,
        progress: str | None = None,
    ) -> Trial:
        """The training with `values`, which its name tells."""
        config = trial_config(self.sweep, self.mapping, values)
        return Trial(
            sweep=self.sweep.name,
            parent_id=parent_id,
            number=number,
            stage=stage,
            config=config.model_dump(mode="json"),
            name=trial_name(number, {key: values[key] for key in self.space}, stage),
            progress=progress,
            reuse=self.reuse,
        )


def plan_of(
    sweep: SweepConfig, overrides: Sequence[str], store: Store, reporter: Reporter, *, reuse: bool
) -> Plan:
    """UserError for what the first trial would refuse, before a run begins."""
    mapping = base_experiment(sweep, overrides)
    base = pinned(parse(ExperimentConfig, mapping, where=sweep.name), cache_dir=store.root / "cache")
    parents = parents_of(base, store)
    base = named(base, parents)
    # One commit for all trials, and another study when the hub has moved on: trials on other data do not compare.
    mapping = base.model_dump(mode="json")
    space, left_out = space_here(sweep, base)
    given = overrides_for_name(overrides)
    notes = (*left_out, *_moved_first_trials(given, space), *_overridden_in_the_finale(given, sweep))
    for note in notes:
        reporter.say(f"note: {note}", "warning")
    first = base_values(sweep, base, space)
    check_reach(sweep, mapping, space)
    parts = build(base, cache_dir=store.root / "cache", parents=parents, reporter=reporter)
    tell_data(reporter, summary_of(parts.data))
    return Plan(sweep, base, mapping, space, first, given, notes, reuse)


def _moved_first_trials(given: Mapping[str, str], space: Mapping[str, object]) -> list[str]:
    """A sentence for each override of a key that the search draws."""
    return [
        f"{key} is drawn by the search; {given[key]} is the first trial's." for key in given if key in space
    ]


def _overridden_in_the_finale(given: Mapping[str, str], sweep: SweepConfig) -> list[str]:
    """A sentence for each override that the finale has another value of."""
    finale = {} if sweep.finale is None else sweep.finale.overrides
    return [
        f"{key}={given[key]} is the search's; the finale has {key}={finale[key]} (finale.overrides)."
        for key in given
        if key in finale
    ]


def start_parent(plan: Plan, search: Search, store: Store) -> RunLog:
    """The sweep's own run, which its trials are children of."""
    sweep, base = plan.sweep, plan.base
    parent = store.start_run(
        experiment=experiment_of(base),
        name=sweep_name(sweep.name, sweep.seed, plan.given),
        params={
            "sweep": sweep.name,
            "experiment": sweep.experiment,
            "sampler": sweep.sampler.model_dump_json(),
            "pruner": sweep.pruner.model_dump_json(),
            **{f"space/{key}": dimension.model_dump_json() for key, dimension in search.space.items()},
        },
        tags={KIND_TAG: RunKind.SWEEP, SWEEP_TAG: sweep.name, STUDY_TAG: search.study.study_name},
        description="\n".join([f"**{sweep.description}**", "", *(f"- {note}" for note in plan.notes)]),
        sampled=False,  # its trials are
    )
    parent.log_json(base.model_dump(mode="json"), SWEEP_BASE_FILE)
    return parent
