"""The search space on this machine: choices that cannot run here are left out, aloud."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from errors import UserError
from experiments.config import ExperimentConfig
from experiments.naming import flat_params
from experiments.torch_setup import check_precision, precision_support, resolve_device
from schema.overrides import with_values
from schema.validation import parse
from sweeps.config import Choice, Dimension, SweepConfig

PRECISION_KEY = "train.precision"


def space_here(sweep: SweepConfig, base: ExperimentConfig) -> tuple[dict[str, Dimension], list[str]]:
    """The space without what this machine cannot run, and a sentence for each thing left out."""
    space, notes = dict(sweep.space), list[str]()
    dimension = space.get(PRECISION_KEY)
    if not isinstance(dimension, Choice):
        return space, notes
    device = resolve_device(base.train.device)
    kept: list[Any] = []
    for option in dimension.options:
        support = precision_support(option, device)  # type: ignore[arg-type]
        if support == "none":
            notes.append(f"{option} left out: a {device.upper()} cannot train in it.")
        elif support == "emulated" and sweep.leave_out_emulated_precision:
            notes.append(f"{option} left out: this {device.upper()} only imitates it, slower than 32-true.")
        else:
            kept.append(option)
    if not kept:
        raise UserError(
            "no precision of the space runs on this machine", where=f"sweep {sweep.name}", cure="Add 32-true."
        )
    space[PRECISION_KEY] = Choice(kind="choice", options=tuple(kept))
    return space, notes


def base_values(sweep: SweepConfig, base: ExperimentConfig, space: Mapping[str, Dimension]) -> dict[str, Any]:
    """The base experiment's own value in each dimension: the first trial. UserError if one lies outside."""
    present = flat_params(base)
    values = {key: present[key] for key in space}
    for key, dimension in space.items():
        if not could_draw(dimension, values[key]):
            raise UserError(
                f"the first trial's value {values[key]!r} lies outside the space, {bounds_of(dimension)}",
                where=f"sweep {sweep.name}: {key}",
                cure=f"Give {key} one of it, or widen the space.",
            )
    return values


def check_reach(sweep: SweepConfig, base: Mapping[str, Any], space: Mapping[str, Dimension]) -> None:
    """UserError when an end of a range, an option or the finale is no valid experiment."""
    for key, dimension in space.items():
        ends = dimension.options if isinstance(dimension, Choice) else (dimension.low, dimension.high)
        for value in ends:
            trial_config(sweep, base, {key: value})
    if sweep.finale is not None:
        check_precision(trial_config(sweep, base, sweep.finale.overrides))


def could_draw(dimension: Dimension, value: Any) -> bool:
    """Whether the dimension could draw `value`."""
    if isinstance(dimension, Choice):
        return value in dimension.options
    return isinstance(value, (int, float)) and dimension.low <= value <= dimension.high


def bounds_of(dimension: Dimension) -> str:
    """`0.0001 to 0.01`, or the options."""
    if isinstance(dimension, Choice):
        return ", ".join(map(str, dimension.options))
    return f"{dimension.low:g} to {dimension.high:g}"


def trial_config(sweep: SweepConfig, base: Mapping[str, Any], values: Mapping[str, Any]) -> ExperimentConfig:
    """The experiment of one trial, validated like any other."""
    return parse(
        ExperimentConfig,
        with_values(base, values),
        where=f"sweep {sweep.name}, with {', '.join(f'{key}={value}' for key, value in values.items())}",
    )
