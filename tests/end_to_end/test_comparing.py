"""Runs that were really trained, compared as a user does it: models, seeds, an export against its run, a sweep."""

from __future__ import annotations

import json
import math
import re
import shlex
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from comparison.compare_models import compare_models
from comparison.compare_recipes import compare_recipes
from experiments.config import ExperimentConfig
from experiments.training.train import train
from runs.files import run_named
from runs.layout import RESULT_FILE, predictions_file
from runs.record_files import ResultFile
from scoring.bootstrap import resampled
from scoring.paired import mcnemar_mid_p
from sweeps.run import run_sweep
from tests.processes import inside
from tests.sweep_specs import load_sweep
from tests.tiny import ANY_EXPORT, classifier, language
from tracking.store import Store

EXPORTED = ["export.when=finished", *ANY_EXPORT]


def trained(store: Store, *configs: ExperimentConfig) -> list[str]:
    return [train(config, store).run_id for config in configs]


def answers(store: Store, run_id: str) -> pd.DataFrame:
    return pd.read_parquet(run_named(store, run_id).path(predictions_file("test")))


@pytest.mark.slow
def test_two_models_and_an_export(store: Store) -> None:
    ids = trained(store, classifier(*EXPORTED), classifier("optim.learning_rate=0.01", *EXPORTED))
    found = compare_models(store, ids, whole=True)
    one, other = (answers(store, run) for run in ids)
    right, right_too = one["prediction"] == one["label"], other["prediction"] == other["label"]
    lost, won = int((right & ~right_too).sum()), int((~right & right_too).sum())
    (pair,) = found.pairs
    assert pair.flips is not None
    assert (pair.flips.lost, pair.flips.won) == (lost, won)
    assert pair.p == (mcnemar_mid_p(lost, won) if lost + won >= 10 else None)
    assert found.rows == len(one)
    assert [side.score.value for side in found.sides] == [right.mean(), right_too.mean()]
    assert pair.loss is not None
    assert pair.loss.difference.value == pytest.approx((other["loss"] - one["loss"]).mean(), abs=1e-6)
    assert found.sides[0].differs == {"optim.learning_rate": "0.001"}
    assert found.details is not None
    assert all(example.text == one["text"][example.row] for example in found.details.hardest)
    export = compare_models(store, ids[:1], variant="int8")
    assert export.rows == 50
    assert export.sides[0].score.value == pytest.approx(
        export.sides[1].score.value
        - ((export.pairs[0].flips.won - export.pairs[0].flips.lost) / 50 if export.pairs[0].flips else 0)
    )


@pytest.mark.slow
def test_two_recipes_of_two_seeds(store: Store, root: Path) -> None:
    ids = trained(
        store,
        *(
            classifier(f"seed={seed}", f"optim.learning_rate={rate}")
            for rate in (1e-3, 1e-2)
            for seed in (0, 1)
        ),
    )
    found = compare_recipes(store, [ids[1], ids[2]])
    assert [side.runs for side in found.sides] == [tuple(ids[:2]), tuple(ids[2:])]
    told = json.loads(inside("compare", ids[0], ids[3], "--of", "recipes", "--root", root, "--json").stdout)
    assert told["pairs"][0]["difference"] == pytest.approx(found.pairs[0].difference.__dict__)
    assert told["noise"]["seeds"] == 2


@pytest.mark.slow
def test_the_command_for_one_seed_more_trains_it(store: Store, root: Path) -> None:
    ids = trained(store, classifier(), classifier("optim.learning_rate=0.01"))
    asked = ("compare", *ids, "--of", "recipes", "--root", root)
    told = inside(*asked).stdout
    assert "cannot be told apart by one seed a side" in " ".join(told.split())
    (command,) = re.findall(r"^ *encore (train .*?) +# one seed more$", told, re.MULTILINE)
    result = json.loads(inside(*shlex.split(command), "--json").stdout)
    new = store.find(result["run_id"])
    assert new.params == store.find(ids[0]).params | {"seed": "1"}
    sides = json.loads(inside(*asked, "--json").stdout)["sides"]
    assert [side["seeds"] for side in sides] == [[0, 1], [0]]


@pytest.mark.slow
def test_two_language_models(store: Store) -> None:
    ids = trained(store, language(*EXPORTED), language("optim.learning_rate=0.01"))
    found = compare_models(store, ids)
    one, other = (answers(store, run) for run in ids)
    expected = resampled(other["nll"] - one["nll"], math.log(2) * one["bytes"].astype(float))
    assert found.pairs[0].difference.value == pytest.approx(expected.estimate)
    assert (found.pairs[0].difference.low, found.pairs[0].difference.high) == pytest.approx(
        expected.interval()
    )
    result = run_named(store, ids[0]).read(ResultFile, RESULT_FILE)
    assert found.sides[0].score.value == pytest.approx(result.metrics["test/bits_per_byte"])
    export = compare_models(store, ids[:1], variant="int8")
    assert export.metric == "bits_per_token"
    assert [side.label[8:] for side in export.sides] == ["@torch", "@int8"]


@pytest.mark.slow
def test_a_sweep_shows_the_bias_of_its_choice_apart_from_its_claim(store: Store, root: Path) -> None:
    overrides = ["budget={trials: 4}", "pruner={kind: none}", "train.max_steps=8", "train.validations=2",
                 "train.threads=1", "model.dim=16", "model.heads=2", "model.hidden_dim=32", "export.when=never",
                 "data.train_examples=160", "data.selection_examples=40"]  # fmt: skip
    spec, rest = load_sweep("demo", overrides)
    report = run_sweep(spec, store, overrides=rest)
    assert report.selection is not None
    assert report.best is not None
    assert report.selection.runs == 4
    assert report.selection.rows == 40
    assert report.selection.held_out == pytest.approx(report.best.metrics["best/val/accuracy"])
    assert report.selection.claim.value == pytest.approx(report.best.metrics["test/accuracy"])
    told: dict[str, Any] = json.loads(inside("compare", report.parent_id, "--root", root, "--json").stdout)
    assert told["selection"]["bias"] == report.selection.bias
    assert len(told["sides"]) == 4
