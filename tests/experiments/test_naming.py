"""Names of runs begin with what differs."""

from __future__ import annotations

import pytest

from experiments.loading import load_experiment
from experiments.naming import overrides_for_name, run_name, settings, sweep_name, trial_name


def test_a_run_name_says_what_varied() -> None:
    config = load_experiment("demo_reviews")
    assert run_name(config, {"optim.learning_rate": 0.00123456}) == "s0 lr 1.2e-3 demo_reviews"
    assert run_name(config, {}) == "s0 demo_reviews"


def test_a_trial_begins_with_its_number_and_what_was_drawn() -> None:
    values = {"train.precision": "bf16-mixed", "optim.warmup_ratio": 0.25, "optim.learning_rate": 0.0022}
    assert trial_name(3, values) == "t03 lr 2.2e-3 wu 0.25 bf16"
    assert trial_name(12, values, "finale") == "t12 finale lr 2.2e-3 wu 0.25 bf16"


def test_a_sweep_says_what_it_found() -> None:
    assert sweep_name("demo", 2, {}) == "sweep demo s2"
    assert sweep_name("demo", 2, {"data.batch_size": "16"}, "93.2 %") == "sweep demo s2 bs 16 · 93.2 %"


@pytest.mark.parametrize(
    ("key", "value", "told"),
    [
        ("optim.learning_rate", "5e-5", "lr 5e-5"),
        ("optim.learning_rate", 1.0, "lr 1.0"),
        ("optim.warmup_ratio", 0.0, "wu 0.0"),
        ("train.max_steps", 1200, "steps 1200"),
        ("model.dropout", 0.1, "dropout 0.1"),
        ("optim.gradient_clip_norm", 12.25, "clip 12.25"),
        ("data.packed", True, "packed True"),
        ("train.precision", "16-mixed", "fp16"),
        ("samples", "none", "samples none"),
        ("data.label", "nan", "label nan"),
        ("data.label", "1e999", "label 1e999"),
        ("data.kind", "x" * 40, f"kind …{'x' * 23}"),
    ],
)
def test_a_setting_in_a_name(key: str, value: object, told: str) -> None:
    assert settings({key: value}) == [told]


def test_what_tells_no_run_from_another_is_left_out_and_many_settings_are_counted() -> None:
    given = overrides_for_name(["data.path=/x", "model.pretrained=/y", "seed=3", "train.threads=1"])
    assert settings(given) == []
    many = {f"model.a{number}": number for number in range(9)}
    assert settings(many) == ["a0 0", "a1 1", "a2 2", "a3 3", "a4 4", "+4"]


def test_a_teacher_is_named_by_the_beginning_of_its_id() -> None:
    for run_id in ("3af49a2651bc4ae2849415b320906c8c", "31e4900051bc4ae2849415b320906c8c"):
        assert settings({"train.teacher": run_id}) == [f"teacher {run_id[:8]}"]
    assert settings({"train.teacher": "3e4"}) == ["teacher 3e4"]
