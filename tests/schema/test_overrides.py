"""KEY=VALUE: what each form of value means to each type of key."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from errors import UserError
from experiments.config import ExperimentConfig
from experiments.loading import load_experiment
from schema.overrides import overridden, with_values
from sweeps.loading import load_search


def _loaded(*overrides: str, name: str = "demo_reviews") -> dict[str, Any]:
    return load_experiment(name, overrides).model_dump()


@pytest.mark.parametrize(
    "text", ["own #2", "#mine", " 12:30", "[x]", "{a: b}", "yes", "010", "a=b", "'a'", "null"]
)
def test_a_text_is_taken_to_the_character(text: str) -> None:
    assert _loaded(f"description={text}")["description"] == text


@pytest.mark.parametrize(
    "name", ["own #2", "#mine", "reviews[1]", "a?b", "*", "a::b", "my%20data", " a ", "010", "yes"]
)
def test_a_folder_is_the_one_that_was_typed(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert _loaded(f"data.path={name}")["data"]["path"] == str(tmp_path / name)
    (tmp_path / name).mkdir()
    assert _loaded(f"model.pretrained={name}")["model"]["pretrained"] == str(tmp_path / name)


def test_none_is_none_and_a_folder_of_that_name_is_given_with_its_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert _loaded("data.path=none", "train.threads=none")["data"]["path"] is None
    assert _loaded("data.path=./none")["data"]["path"] == str(tmp_path / "none")
    with pytest.raises(UserError, match=r"may mean none or a name\. Write data\.path=none, or \./None"):
        _loaded("data.path=None")


@pytest.mark.parametrize(
    "key", ["data.path", "model.pretrained", "model.tokenizer", "seed", "description", "samples"]
)
def test_an_unset_shell_variable_is_told(key: str) -> None:
    with pytest.raises(UserError, match="is empty, as an unset shell variable is"):
        _loaded(f"{key}=")


@given(st.integers(0, 2**32 - 1), st.integers(0, 12), st.sampled_from(["", "+"]))
def test_whole_numbers_are_decimal_whatever_zeros_stand_before(seed: int, zeros: int, sign: str) -> None:
    assert _loaded(f"seed={sign}{'0' * zeros}{seed}")["seed"] == seed


def test_a_loop_over_padded_seeds_trains_each_of_them() -> None:
    seeds = [_loaded(f"seed={seed:03}")["seed"] for seed in range(1, 101)]
    assert seeds == list(range(1, 101))


@given(st.floats(1e-300, 1))
def test_numbers_are_taken_in_every_decimal_form(rate: float) -> None:
    for text in (repr(rate), f"{rate:.17e}", f"+{rate!r}"):
        assert _loaded(f"optim.learning_rate={text}")["optim"]["learning_rate"] == float(text)


@pytest.mark.parametrize(
    "override",
    ["seed=yes", "seed=12:30", "seed=1e3", "seed=0x10", "seed=1_000", "seed=1.0", "seed=\u0661", "seed= 1", "seed=1\n",
     "seed=true", "data.batch_size=on", "optim.learning_rate=true", "optim.learning_rate=1:30", "optim.epsilon=inf",
     "optim.epsilon=.inf", "optim.beta1=nan", "optim.learning_rate=1_0", "train.deterministic=1",
     "train.deterministic=True", "train.deterministic=yes", "train.deterministic=0", "optim.learning_rate=1e-999",
     "train.max_steps=9223372036854775808", "train.checkpoint_every_minutes=1e999"],
)  # fmt: skip
def test_what_is_no_such_value_is_refused_with_what_is(override: str) -> None:
    with pytest.raises(UserError, match=r"Give (a (whole )?number (from|above) \d.*|true or false)\.$"):
        _loaded(override)


@pytest.mark.parametrize(
    ("override", "allowed"),
    [
        ("train.threads=1000000000", "Give a whole number from 1 to 1024, or none."),
        ("export.threads=1000000000", "Give a whole number from 1 to 1024."),
        ("train.max_steps=10000000000", "Give a whole number from 1 to 1000000000, or none."),
        ("optim.epsilon=2", "Give a number above 0, at most 1."),
        ("data.selection_seed=9223372036854775808", "19 digits does not fit 64 bits."),
    ],
)
def test_a_number_has_an_upper_bound_that_is_told(override: str, allowed: str) -> None:
    with pytest.raises(UserError) as told:
        _loaded(override)
    assert allowed in str(told.value)


def test_every_number_of_an_experiment_has_both_bounds() -> None:
    """In pydantic's own schema, so that a new field without one is noticed."""
    for table in (ExperimentConfig.model_json_schema()["$defs"]).values():
        for key, field in table["properties"].items():
            for kind in field.get("anyOf", [field]):
                if kind.get("type") in {"integer", "number"}:
                    assert {"maximum", "exclusiveMaximum"} & kind.keys(), key
                    assert {"minimum", "exclusiveMinimum"} & kind.keys(), key


def test_five_thousand_digits_are_counted_not_printed() -> None:
    with pytest.raises(UserError, match=r"5,000 digits does not fit 64 bits") as told:
        _loaded(f"seed={'9' * 5000}")
    assert len(str(told.value)) < 250


@pytest.mark.parametrize("text", ["a\0b", "\udcff\udcfe"])
def test_what_no_record_can_hold_is_refused(text: str) -> None:
    for key in ("description", "data.path", "name"):
        with pytest.raises(UserError, match=r"NUL|no UTF-8"):
            _loaded(f"{key}={text}")


@pytest.mark.parametrize("text", ["a\nb", "\x1b[31m", "a" * 300, "a/" * 3000, "~nobody-here/x"])
def test_what_is_no_path_is_refused(text: str) -> None:
    for key in ("data.path", "model.pretrained"):
        with pytest.raises(UserError, match=r"control character|bytes; .* are possible|no user"):
            _loaded(f"{key}={text}")


@pytest.mark.parametrize("text", ["my model", "a/b/c", "#x", "a" * 100])
def test_what_is_neither_a_folder_nor_an_id_of_the_hub_is_told(text: str) -> None:
    with pytest.raises(UserError, match="no folder here, and no id of the hub"):
        _loaded(f"model.pretrained={text}")


@pytest.mark.parametrize(
    "overrides",
    [["seed=1", "seed=2"], ["seed=1", "seed=1"], ["data.path=a", "data={kind: demo_reviews}"],
     ["samples=none", "samples.prompts=[a]"]],
)  # fmt: skip
def test_a_key_given_twice_is_refused(overrides: list[str]) -> None:
    with pytest.raises(UserError, match=r"given (twice|beside)"):
        _loaded(*overrides)
    with pytest.raises(UserError, match=r"given (twice|beside)"):
        load_search("demo", overrides)


@pytest.mark.parametrize("override", [" seed=1", "seed =1", "\tseed=1", "\n=1"])
def test_white_space_around_a_key_is_told_as_that(override: str) -> None:
    with pytest.raises(UserError, match="white space around the key") as raised:
        _loaded(override)
    assert repr(override)[1:-1] in str(raised.value)


def test_lists_and_tables_are_yaml() -> None:
    config = _loaded("samples.prompts=[One day, 'a: b', \"\\u2028\"]", name="demo_stories")
    assert config["samples"]["prompts"] == ("One day", "a: b", "")  # blanks around a prompt are cut
    spec, _ = load_search(
        "demo", ["space={optim.learning_rate: {kind: choice, options: [2e-5, 010, yes, none]}}"]
    )
    assert spec.space["optim.learning_rate"].options == (2e-5, 10, "yes", "none")  # type: ignore[union-attr]
    with pytest.raises(UserError, match=r"samples\.prompts\.0.*1 is not allowed\. Give text"):
        _loaded("samples.prompts=[1]", name="demo_stories")


def test_a_kind_called_none_is_that_kind() -> None:
    spec, _ = load_search("tinystories_lr", ["pruner={kind: none}"])
    assert spec.pruner.kind == "none"
    spec, _ = load_search("demo", ["finale=none"])
    assert spec.finale is None  # type: ignore[union-attr]


def test_overriding_leaves_the_original_alone() -> None:
    original = {"train": {"max_steps": 4}, "samples": None}
    changed = overridden(
        ExperimentConfig, original, ["train.max_steps=8", "samples.prompts=[a]", "train.threads=none"]
    )
    assert changed == {"train": {"max_steps": 8, "threads": None}, "samples": {"prompts": ["a"]}}
    assert original == {"train": {"max_steps": 4}, "samples": None}
    with pytest.raises(UserError, match="is a value, not a table"):
        with_values({"seed": 1}, {"seed.x": 2})
