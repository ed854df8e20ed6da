from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from errors import UserError
from experiments.config import ExperimentConfig
from experiments.loading import CATALOG, load_experiment
from experiments.naming import flat_params
from runs.model_prints import _model_config_digest
from schema.catalog import catalog_names
from schema.fields import dotted_keys

# Argument, and what the one line must say.
BAD_INPUT = {
    ("no_such",): "there are",
    ("demo_review",): "Did you mean demo_reviews?",
    ("demo_reviews", "optim.learnin_rate=1"): "Did you mean optim.learning_rate?",
    ("demo_reviews", "optim.lr=1"): "optim has beta1, beta2",
    ("demo_reviews", "optimm.lr=1"): "Did you mean optim?",
    ("demo_reviews", "data.path=~nobody-here/x"): "~nobody-here is no user",
    ("demo_reviews", "learning_rate=1"): "Did you mean optim.learning_rate?",
    ("demo_reviews", "data.batchsize=3"): "Did you mean data.batch_size?",
    (
        "demo_reviews",
        "data.batch_size=abc",
    ): "data.batch_size: 'abc' is not allowed. Give a whole number from 1 to 4096.",
    (
        "demo_reviews",
        "data.batch_size=2.5",
    ): "data.batch_size: '2.5' is not allowed. Give a whole number from 1 to 4096.",
    (
        "demo_reviews",
        "optim.learning_rate=-1",
    ): "optim.learning_rate: -1.0 is not allowed. Give a number above 0, at most 1.",
    ("demo_reviews", "optim.learning_rate=.nan"): "optim.learning_rate",
    (
        "demo_reviews",
        "optim.warmup_ratio=1.5",
    ): "optim.warmup_ratio: 1.5 is not allowed. Give a number from 0, below 1.",
    ("demo_reviews", "train.precision=fp16"): "Give '32-true', '16-mixed' or 'bf16-mixed'.",
    ("demo_reviews", "train.max_steps=1001", "train.validations=6"): (
        "train.max_steps 1001 is not a multiple of train.validations 6, which are equally spaced, the last one at the "
        "last step. Give train.max_steps=996 or 1002, or train.validations=1."
    ),
    ("demo_reviews", "data.quoting=quoted"): "counts for the files of a folder, and data.path is none",
    ("demo_reviews", "data.quoting=standard"): "Give 'auto', 'quoted' or 'unquoted'.",
    ("demo_reviews", "train.max_steps=100", "train.validations=8"): (
        "Give train.max_steps=96 or 104, or train.validations=5."
    ),
    ("demo_reviews", "train.max_steps=2"): "Give train.max_steps=6, or train.validations=2.",
    ("demo_reviews", "model.heads=5"): "not a multiple of heads",
    ("demo_reviews", "data.kind=demo_stories"): "cannot learn from",
    ("demo_reviews", "model.kind=gpt2"): "no such key for kind 'gpt2'",
    ("demo_reviews", "data.kind=sst3"): "data.kind: 'sst3' is not allowed. Give one of 'sst2', 'imdb'",
    ("demo_reviews", "seed"): "not KEY=VALUE",
    ("demo_reviews", "seed.x=1"): "is a value, not a table",
    ("demo_reviews", "data=3"): "data: 3 is not allowed. Set its keys, as in data.KEY=VALUE.",
    ("demo_reviews", "data={}"): "data.kind: field required. Set the key.",
    ("demo_reviews", "optim=3"): "optim: 3 is not allowed. Set its keys, as in optim.KEY=VALUE.",
    ("demo_stories", "samples.prompts=3"): "samples.prompts: 3 is not allowed. Give a list.",
    ("demo_stories", "samples.prompts=[]"): "samples.prompts: []: tuple should have at least 1 item",
    ("demo_stories", "samples.prompts=[1"): "not valid YAML",
    ("missing.yaml",): "no such file",
}


@pytest.mark.parametrize("arguments", BAD_INPUT, ids=" ".join)
def test_bad_input_is_one_line_that_says_what_and_how_to_mend_it(arguments: tuple[str, ...]) -> None:
    with pytest.raises(UserError) as caught:
        load_experiment(arguments[0], arguments[1:])
    assert BAD_INPUT[arguments] in str(caught.value)
    assert "\n" not in str(caught.value)
    assert caught.value.cure.endswith((".", "?"))


@pytest.mark.parametrize("name", catalog_names(CATALOG))
def test_catalogued_experiments_are_complete_and_named_as_their_file(name: str) -> None:
    config = load_experiment(name)
    assert config.name == name
    header = (CATALOG / f"{name}.yaml").read_text().split("name:")[0]
    assert "cost" in header.lower()
    assert "score" in header.lower()


@given(st.floats(1e-8, 1, exclude_min=True), st.integers(0, 2**32 - 1))
def test_a_config_survives_its_own_json(rate: float, seed: int) -> None:
    config = load_experiment("demo_reviews", [f"optim.learning_rate={rate!r}", f"seed={seed}"])
    assert ExperimentConfig.model_validate_json(config.model_dump_json()) == config
    assert config.optim.learning_rate == rate


def test_every_param_is_a_known_key_and_the_other_way_round() -> None:
    known = set(dotted_keys(ExperimentConfig))
    for name in catalog_names(CATALOG):
        assert set(flat_params(load_experiment(name))) <= known


def test_folders_are_recorded_from_the_root_and_hub_ids_as_they_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "model").mkdir()
    monkeypatch.chdir(tmp_path)
    config = load_experiment("sst2_distilbert", ["data.path=data", "model.pretrained=model"])
    assert config.data.path == str(tmp_path / "data")
    assert config.model.pretrained == str(tmp_path / "model")
    assert load_experiment("sst2_distilbert").model.pretrained == "distilbert/distilbert-base-uncased"
    with pytest.raises(UserError, match=r"data\.path"):
        load_experiment("sst2_distilbert", ["data.path="])


def test_what_a_models_config_says_counts_and_not_how_it_is_written(tmp_path: Path) -> None:
    config = tmp_path / "config.json"
    config.write_text('{"model_type": "gpt2", "n_layer": 2}')
    plain = _model_config_digest(tmp_path)
    assert plain is not None
    for same in (
        b'\xef\xbb\xbf{"model_type": "gpt2", "n_layer": 2}',
        b'{"n_layer": 2, "model_type": "gpt2", "transformers_version": "5"}',
    ):
        config.write_bytes(same)
        assert _model_config_digest(tmp_path) == plain
    config.write_text('{"model_type": "gpt2", "n_layer": 3}')
    assert _model_config_digest(tmp_path) not in (None, plain)
    config.write_text("[" * 100_000)
    with pytest.raises(UserError, match="nested deeper than 100"):
        _model_config_digest(tmp_path)


def test_a_language_models_variants_leave_no_node_in_float32() -> None:
    with pytest.raises(UserError, match="variants of a language model leave no node in float32"):
        load_experiment("demo_stories", ["export.float32_nodes=[any]"])
    assert load_experiment("demo_reviews", ["export.float32_nodes=[any]"]).export.float32_nodes == ("any",)
