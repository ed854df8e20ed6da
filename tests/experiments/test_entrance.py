"""A value that looks like a credential is refused before anything is recorded, wherever one can be typed."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from cli.stories import generate_verb
from errors import UserError
from experiments.loading import CATALOG as EXPERIMENTS
from experiments.loading import load_experiment, parse_overridden
from schema.catalog import catalog_names
from sweeps.loading import CATALOG as SWEEPS
from sweeps.loading import base_experiment, load_search
from tests.sweep_specs import load_sweep
from tests.tracking.harmless import harmless
from tests.tracking.planted import named, shapes

PLANTED = {**shapes(), **named()}
_KEYS = ("description", "data.revision", "data.path", "model.pretrained", "model.tokenizer", "name")


def _listed(text: str) -> str:
    """Quoted for a list, so that a text of several lines or with a colon is one value."""
    return json.dumps(text)


def _file(folder: Path, name: str, **keys: object) -> str:
    """An experiment or a sweep of the catalog with other values, as a YAML file."""
    import yaml

    catalog = EXPERIMENTS if name == "demo_stories" else SWEEPS
    told = yaml.safe_load((catalog / f"{name}.yaml").read_text())
    file = folder / "own.yaml"
    file.write_text(yaml.safe_dump({**told, **keys}))
    return str(file)


def _refused(call: Callable[[], object], secret: str) -> None:
    with pytest.raises(UserError, match="looks like a credential") as refused:
        call()
    assert secret not in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("issuer", PLANTED)
def test_no_value_of_an_experiment_a_sweep_or_a_fork_is_one(issuer: str, tmp_path: Path) -> None:
    text, secret = PLANTED[issuer]
    recorded = load_experiment("demo_reviews").model_dump(mode="json")
    for key in _KEYS:
        typed = f"{key}={text}"
        _refused(lambda typed=typed: load_experiment("demo_reviews", [typed]), secret)
        _refused(lambda typed=typed: parse_overridden(recorded, [typed], where="fork"), secret)
        _refused(lambda typed=typed: base_experiment(load_sweep("demo")[0], [typed]), secret)
    _refused(lambda: load_experiment("demo_stories", [f"samples.prompts=[{_listed(text)}]"]), secret)
    _refused(lambda: load_experiment(_file(tmp_path, "demo_stories", description=text)), secret)
    _refused(lambda: load_search("demo", [f"description={text}"]), secret)
    space = {"model.pretrained": {"kind": "choice", "options": ["none", text]}}
    _refused(lambda: load_search(_file(tmp_path, "demo", space=space)), secret)
    _refused(
        lambda: generate_verb("ab", ["Once", text], 1, {}, "torch", tmp_path / "none", as_json=False), secret
    )
    assert not (tmp_path / "none").exists()


def test_what_the_catalog_says_and_harmless_words_are_taken() -> None:
    for name in catalog_names(EXPERIMENTS):
        load_experiment(name)
    for name in catalog_names(SWEEPS):
        load_search(name)
    for line in harmless():
        assert load_experiment("demo_reviews", [f"description={line}"]).description == line
