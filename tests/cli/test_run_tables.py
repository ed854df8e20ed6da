"""`encore show` says what is a run's own: the settings that its experiment has anyway are listed on demand."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping

import pytest
from typer.testing import CliRunner

from cli.main import app
from experiments.loading import load_experiment
from experiments.naming import flat_params
from tracking.entities import Experiment
from tracking.store import Store

OVERRIDES = ["train.max_steps=12", "data.batch_size=16", "optim.learning_rate=0.003"]


def _shown(store: Store, experiment: str, params: Mapping[str, object], *options: str) -> str:
    log = store.start_run(
        experiment=Experiment("demo", "loss"),
        name="a run",
        description="",
        params=params,
        tags={"encore.kind": "run", "encore.experiment": experiment},
    )
    log.finish("FINISHED")
    told = CliRunner().invoke(app, ["show", log.run_id, "--root", str(store.root), *options])
    assert told.exit_code == 0
    return told.stdout


def _rows(text: str) -> list[list[str]]:
    return [
        [cell.strip() for cell in row[1:-1].split("│")] for row in re.findall("^│.*│$", text, re.MULTILINE)
    ]


def test_what_differs_stands_beside_the_catalogs(store: Store) -> None:
    config = load_experiment("demo_reviews", OVERRIDES)
    catalogued = flat_params(load_experiment("demo_reviews"))
    text = _shown(store, "demo_reviews", flat_params(config))
    keys = sorted(override.partition("=")[0] for override in OVERRIDES)
    assert _rows(text) == [[key, str(flat_params(config)[key]), str(catalogued[key])] for key in keys]
    assert (
        f"{len(catalogued) - 3} settings are those of demo_reviews in the catalog; `--all` lists them."
        in text
    )


def test_a_run_as_catalogued_has_no_table(store: Store) -> None:
    params = flat_params(load_experiment("demo_stories"))
    text = _shown(store, "demo_stories", params)
    assert _rows(text) == []
    assert f"{len(params)} settings are those of demo_stories" in text


@pytest.mark.parametrize(
    ("experiment", "options"), [("demo_reviews", ["--all"]), ("my own.yaml", []), ("../catalog", [])]
)
def test_all_of_them_are_shown_on_demand_and_where_there_is_no_such_experiment(
    store: Store, experiment: str, options: list[str]
) -> None:
    params = flat_params(load_experiment("demo_reviews", OVERRIDES))
    text = _shown(store, experiment, params, *options)
    assert [row[0] for row in _rows(text)] == sorted(params)
    assert "--all" not in text


def test_settings_of_another_kind_are_all_shown(store: Store) -> None:
    text = _shown(store, "demo_stories", {"decoding.seed": 0, "variant": "torch"})
    assert _rows(text) == [["decoding.seed", "0"], ["variant", "torch"]]


def test_json_has_all_of_them(store: Store) -> None:
    params = flat_params(load_experiment("demo_reviews", OVERRIDES))
    found = json.loads(_shown(store, "demo_reviews", params, "--json"))
    assert found["params"] == {key: str(value) for key, value in params.items()}
