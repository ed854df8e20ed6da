from __future__ import annotations

import pytest
import torch

from errors import UserError
from experiments.config import ExperimentConfig
from schema.catalog import catalog_names
from schema.validation import parse
from schema.yaml_files import yaml_value
from sweeps.config import SweepConfig
from sweeps.loading import CATALOG, base_experiment, load_search
from sweeps.space import base_values, check_reach, space_here, trial_config
from tests.sweep_specs import load_sweep

BASE = """
name: tiny
description: A tiny sweep
experiment: demo_reviews
space:
  optim.learning_rate: {kind: float, low: 1e-4, high: 1e-2, log: true}
  train.precision: {kind: choice, options: [32-true, bf16-mixed, 16-mixed]}
sampler: {kind: random}
pruner: {kind: none}
budget: {trials: 3}
"""


def sweep(**changes: object) -> SweepConfig:
    return parse(SweepConfig, {**yaml_value(BASE, where="tiny", cure=""), **changes}, where="tiny")


def base(spec: SweepConfig, *overrides: str) -> ExperimentConfig:
    return parse(ExperimentConfig, base_experiment(spec, overrides), where="tiny")


@pytest.mark.parametrize("name", catalog_names(CATALOG))
def test_every_catalogued_sweep_says_what_it_costs_and_scores(name: str) -> None:
    spec, rest = load_search(name)
    assert spec.name == name
    assert rest == []
    header = (CATALOG / f"{name}.yaml").read_text().split("name:")[0]
    assert "cost" in header.lower()
    assert "score" in header.lower()


TRAININGS = [name for name in catalog_names(CATALOG) if isinstance(load_search(name)[0], SweepConfig)]


@pytest.mark.parametrize("name", TRAININGS)
def test_every_catalogued_sweep_fits_its_experiment_on_this_machine(name: str) -> None:
    spec, _ = load_sweep(name)
    config = base(spec)
    space, _ = space_here(spec, config)
    first = base_values(spec, config, space)
    assert trial_config(spec, base_experiment(spec, []), first) == config


def test_fp16_is_left_out_on_a_cpu_and_said_so() -> None:
    spec = sweep()
    space, notes = space_here(spec, base(spec, "train.device=cpu"))
    assert space["train.precision"].options[0] == "32-true"  # type: ignore[union-attr]
    assert "16-mixed" not in space["train.precision"].options  # type: ignore[union-attr]
    assert any("16-mixed left out" in note and "CPU" in note for note in notes)


def test_an_imitated_precision_is_left_out_only_when_asked_for() -> None:
    from experiments.torch_setup import precision_support

    support = precision_support("bf16-mixed", "cpu")
    for leave_out in (True, False):
        spec = sweep(leave_out_emulated_precision=leave_out)
        space, _ = space_here(spec, base(spec, "train.device=cpu"))
        kept = "bf16-mixed" in space["train.precision"].options  # type: ignore[union-attr]
        assert kept == (support == "native" or not leave_out)


def test_overrides_of_the_sweep_and_of_the_experiment_are_told_apart() -> None:
    spec, rest = load_sweep("demo", ["budget.trials=3", "train.max_steps=12", "seed=5"])
    assert spec.budget.trials == 3
    assert spec.seed == 5
    assert rest == ["train.max_steps=12"]


CHOICE = {"kind": "choice", "options": [1, 2]}
BAD_SWEEPS = {
    "a key that is none": ({"space": {"optim.learn_rate": CHOICE}}, "Did you mean optim.learning_rate"),
    "a key of another kind": ({"space": {"data.nothing": CHOICE}}, "no such key in the experiment"),
    "an unknown experiment": ({"experiment": "demo_reviewz"}, "Did you mean demo_reviews"),
    "a base value outside": (
        {"space": {"optim.learning_rate": {"kind": "float", "low": 0.1, "high": 0.2}}}, "the space, 0.1 to 0.2"),
    "an inverted range": (
        {"space": {"optim.learning_rate": {"kind": "float", "low": 1, "high": 0.1}}}, "is not below high"),
    "an unknown sampler": ({"sampler": {"kind": "magic"}}, "sampler"),
    "an unknown key": ({"budgt": {"trials": 3}}, "Did you mean budget"),
    "a grid over a range": ({"sampler": {"kind": "grid"}}, "a grid needs choices"),
    "no budget": ({"budget": {"trials": 0}}, "budget.trials"),
    "an end that is no valid rate": (
        {"space": {"optim.learning_rate": {"kind": "float", "low": 1e-4, "high": 9.0}}}, "9.0 is not allowed"),
    "a finale that cannot run": (
        {"finale": {"top": 1, "overrides": {"train.max_steps": 5}}}, "is not a multiple of train.validations"),
    "only fp16": (
        {"space": {"train.precision": {"kind": "choice", "options": ["16-mixed"]}}}, "no precision of the space"),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD_SWEEPS)
def test_a_sweep_that_cannot_run_is_told_in_one_line(case: str) -> None:
    if case == "only fp16" and torch.cuda.is_available():
        pytest.skip("this machine can train in FP16")
    changes, message = BAD_SWEEPS[case]

    def prepare() -> None:
        spec = sweep(**changes)
        config = base(spec)
        space, _ = space_here(spec, config)
        base_values(spec, config, space)
        check_reach(spec, base_experiment(spec, ()), space)

    with pytest.raises(UserError) as caught:
        prepare()
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)
