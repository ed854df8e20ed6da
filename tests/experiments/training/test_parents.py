"""Runs that begin with another run's model: found, recorded, played again, drawn, refused where a link is broken."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from io import StringIO
from typing import Any

import pytest
import torch
from rich.console import Console

from cli.lineage import lineage_json, print_lineage
from datamodules.classification import DemoReviewsData
from datamodules.readers.raw import Wanted
from errors import UserError
from experiments.config import ExperimentConfig
from experiments.naming import settings
from experiments.reproduction.fork import fork
from experiments.reproduction.reproduce import check, reproduce
from experiments.training.origin import FromScratch, Hooks
from experiments.training.parents import _by_chance
from experiments.training.train import train
from host.progress import SILENT
from lightning_modules.families import FAMILIES
from runs.files import RunFiles, run_named
from runs.lineage import ancestors
from runs.verify import verify
from sweeps.plan import plan_of
from tests.killed import killed_at, newest
from tests.processes import inside
from tests.reporters import KeptReporter
from tests.sweep_specs import load_sweep
from tests.tiny import SHORT, classifier, language, lstm
from tracking.store import Store

STILL = ["train.max_steps=1", "train.validations=1", "optim.learning_rate=1e-30", "optim.weight_decay=0"]


def trained(store: Store, config: ExperimentConfig, **given: Any) -> RunFiles:
    return run_named(store, train(config, store, **given).run_id)


@pytest.fixture(scope="module")
def first(shared: Store) -> RunFiles:
    return trained(shared, classifier("model.layers=4", "optim.learning_rate=0.003"))


@pytest.fixture(scope="module")
def second(shared: Store, first: RunFiles) -> RunFiles:
    """Begins with half of the first one's layers, some of them frozen, and learns from it as well."""
    more = [
        "model.pretrained_layers=[1,3]",
        "model.frozen_layers=2",
        f"train.teacher={first.record.run_id[:9]}",
    ]
    return trained(shared, begun(first, *more))


def begun(first: RunFiles, *overrides: str) -> ExperimentConfig:
    return classifier(f"model.pretrained=run:{first.record.run_id[:10]}", *overrides)


def weights(run: RunFiles) -> dict[str, torch.Tensor]:
    return FAMILIES["distilbert"].read(run.path("model")).network.state_dict()


@pytest.mark.slow
def test_it_begins_with_the_model_its_head_and_its_tokenizer(shared: Store, first: RunFiles) -> None:
    run = trained(shared, begun(first, *STILL))
    ours, theirs = weights(run), weights(first)
    assert ours.keys() == theirs.keys()
    assert all(torch.allclose(ours[name], theirs[name], rtol=0, atol=1e-20) for name in ours)
    assert run.path("model/tokenizer.json").read_bytes() == first.path("model/tokenizer.json").read_bytes()


def test_its_record_names_the_run_and_what_of_it_counts(first: RunFiles, second: RunFiles) -> None:
    tags, run_id = second.record.tags, first.record.run_id
    assert second.record.params["model.pretrained"] == f"run:{run_id}"
    assert (tags["encore.begins_with"], tags["encore.teacher"]) == (run_id, run_id)
    for name in ("weights", "model_config"):
        print_ = tags[f"encore.ran.fingerprint.{name}"]
        assert print_ == tags[f"encore.ran.fingerprint.teacher_{name}"]
    assert f"blocks 1, 3 of {first.where}" in tags["mlflow.note.content"]
    assert [found for found in verify(second) if not found.holds] == []
    assert settings({"model.pretrained": f"run:{run_id}"}) == [f"from {run_id[:8]}"]
    assert settings({"model.pretrained": "/a/folder"}) == []


def test_layers_are_taken_and_frozen_as_of_any_model(first: RunFiles, second: RunFiles) -> None:
    ours, theirs = weights(second), weights(first)
    block = "distilbert.transformer.layer"
    for name in ours:
        came_from = name.replace(f"{block}.1.", f"{block}.3.").replace(f"{block}.0.", f"{block}.1.")
        frozen = "embeddings" in name or f"{block}.0." in name
        assert torch.equal(ours[name], theirs[came_from]) == frozen, name


def test_a_chain_is_played_again_to_the_bit(second: RunFiles) -> None:
    found = reproduce(second)
    assert found.comparison.verdict == "identical"
    assert found.causes == ()


@pytest.mark.slow
def test_another_run_of_the_same_weights_is_another_recipe_and_the_same_one_is_not_trained_twice(
    shared: Store, first: RunFiles, second: RunFiles
) -> None:
    config = begun(first, *STILL, "seed=4")
    once = train(config, shared).run_id
    assert train(config, shared, FromScratch(reuse=True)).reused == once
    again = run_named(shared, reproduce(first).run_id)
    assert weights(again)["classifier.bias"].equal(weights(first)["classifier.bias"])
    assert train(begun(again, *STILL, "seed=4"), shared, FromScratch(reuse=True)).reused is None


@pytest.fixture(scope="module")
def told() -> KeptReporter:
    return KeptReporter()


@pytest.fixture(scope="module")
def third(shared: Store, second: RunFiles, told: KeptReporter) -> RunFiles:
    return trained(shared, begun(second, *STILL, "data.selection_seed=5"), hooks=Hooks(told))


def test_show_draws_the_chain(shared: Store, first: RunFiles, second: RunFiles, third: RunFiles) -> None:
    console = Console(file=(written := StringIO()), width=200)
    print_lineage(console, third)
    accuracy = {run: f"accuracy {100 * run.record.metrics['test/accuracy']:.2f} %" for run in (first, second)}
    assert written.getvalue().splitlines() == [
        f"└─ begins with {second.record.run_id[:8]} {second.record.name}: {accuracy[second]}",
        f"   └─ begins with {first.record.run_id[:8]} {first.record.name}: {accuracy[first]}",
        f"   └─ taught by {first.record.run_id[:8]} {first.record.name}: {accuracy[first]}",
    ]
    found = lineage_json(third)["lineage"]
    assert [(one["role"], one["depth"]) for one in found] == [
        ("begins with", 0),
        ("begins with", 1),
        ("taught by", 1),
    ]
    assert ancestors(shared, first.record) == []


def test_rows_that_the_run_before_it_knows_are_told(third: RunFiles, told: KeptReporter) -> None:
    known = third.record.tags["encore.begins_with_knows"]
    assert known.endswith("of the 40 held-out rows")
    assert any(f"begins with was trained on {known}" in sentence for sentence, _ in told.said)


@pytest.mark.slow
def test_of_a_run_before_the_parent_nothing_is_needed(
    shared: Store, first: RunFiles, second: RunFiles, third: RunFiles
) -> None:
    rows = first.path("run/rows/train.npy")
    aside = rows.rename(rows.with_suffix(".aside"))
    try:
        again = trained(shared, begun(second, *STILL, "data.selection_seed=5", "seed=3"))
    finally:
        aside.rename(rows)
    # What the parent itself was trained on is known all the same, and here it is what the first one was, too.
    assert again.record.tags["encore.begins_with_knows"] == third.record.tags["encore.begins_with_knows"]


@pytest.mark.slow
def test_a_fork_is_followed_to_what_it_was_forked_from(shared: Store, first: RunFiles) -> None:
    forked = run_named(shared, fork(first, "last", ["train.max_steps=48"]).run_id)
    child = trained(shared, begun(forked, *STILL))
    assert [(one.role.told, one.run_id) for one in ancestors(shared, child.record)] == [
        ("begins with", forked.record.run_id),
        ("forked from", first.record.run_id),
    ]


def test_a_sweep_keeps_the_whole_id(shared: Store, first: RunFiles) -> None:
    spec, rest = load_sweep("demo", [*SHORT, f"model.pretrained=run:{first.record.run_id[:6]}"])
    plan = plan_of(spec, rest, shared, SILENT, reuse=True)
    assert plan.base.model.pretrained == f"run:{first.record.run_id}"
    assert plan.mapping["model"]["pretrained"] == plan.base.model.pretrained


def test_rows_that_may_be_alike_by_chance_are_not_told() -> None:
    assert _by_chance(0, 500, 5_000)
    assert _by_chance(1, 27_000, 67_000)
    assert not _by_chance(1, 40, 200)
    assert not _by_chance(40, 500, 5_000)


@pytest.mark.slow
def test_other_labels_get_a_new_head_and_are_told_so(
    shared: Store, first: RunFiles, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(DemoReviewsData, "wanted", Wanted("sentence", "label", ("bad", "good")))
    ours, theirs = weights(trained(shared, begun(first, *STILL))), weights(first)
    other = {name for name in ours if not torch.allclose(ours[name], theirs[name], rtol=0, atol=1e-20)}
    assert other == {"classifier.weight", "classifier.bias"}
    said = capfd.readouterr().err
    assert f"model.pretrained=run:{first.record.run_id[:8]}: its head is for negative, positive" in said


@pytest.mark.slow
def test_an_lstm_and_a_language_model_begin_with_one_of_theirs(shared: Store) -> None:
    for config, key in ((lstm, "words.weight"), (language, "transformer.wte.weight")):
        parent = trained(shared, config())
        kind = config().model.kind
        again = trained(
            shared, config(f"model.pretrained=run:{parent.record.run_id}", *STILL, "model.dropout=0")
        )
        ours, theirs = (
            FAMILIES[kind].read(run.path("model")).network.state_dict()[key] for run in (again, parent)
        )
        assert torch.allclose(ours, theirs, rtol=0, atol=1e-20)


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (["model.pretrained=run:0123456789ab"], "no run's id begins with '0123456789ab'"),
        (["model.pretrained=run:"], "names no run"),
        (["model.tokenizer=someone/else"], "brings its own tokenizer"),
        (["model.pretrained_layers=[0,4]"], "there is no block 4"),
        (["data.max_tokens=64"], "64 tokens, but the model has"),
    ],
)
def test_what_cannot_be_begun_with_leaves_no_run_behind(
    shared: Store, first: RunFiles, asked: list[str], said: str
) -> None:
    before = len(shared.runs())
    with pytest.raises(UserError) as told:
        train(begun(first, *asked), shared)
    assert said in str(told.value)
    assert "\n" not in str(told.value)
    assert len(shared.runs()) == before


def test_a_run_of_another_kind_or_unfinished_is_refused(shared: Store, first: RunFiles) -> None:
    name = f"model.pretrained=run:{first.record.run_id}"
    with pytest.raises(UserError, match=r"model\.pretrained=run:.*of kind 'distilbert', and .* 'lstm'"):
        train(lstm(name), shared)
    with pytest.raises(UserError, match=r"model\.pretrained=run:.*its task is sequence-classification"):
        train(language(name), shared)
    with killed_at(3):
        train(classifier("seed=8"), shared)
    with pytest.raises(UserError, match=r"model\.pretrained=run:.*only a finished run has a model"):
        train(begun(RunFiles(shared, newest(shared))), shared)


@pytest.mark.slow
@pytest.mark.parametrize("damage", ["weights", "gone", "in the bin"])
def test_a_broken_link_is_named_by_every_verb(store: Store, damage: str) -> None:
    first = trained(store, classifier())
    second = trained(store, begun(first))
    run_id = first.record.run_id
    said = inside("rm", run_id[:8], "--root", store.root) if damage == "in the bin" else None
    if said is not None:
        assert f"is what {second.record.run_id[:8]} go back to" in said.stderr
    elif damage == "gone":
        shutil.rmtree(first.path("model"))
    else:
        file = first.path("model/model.safetensors")
        content = bytearray(file.read_bytes())
        content[-9] ^= 1
        file.write_bytes(content)
    runs = len(store.runs())
    verbs: tuple[Callable[[], object], ...] = (
        lambda: train(begun(first, "seed=1"), store),
        lambda: reproduce(second),
        lambda: check(second),
    )
    for verb in verbs:
        with pytest.raises(UserError, match=f"model.pretrained=run:{run_id[:8]}") as told:
            verb()
        assert "\n" not in str(told.value)
    assert len(store.runs()) == runs
    broken = [found for found in verify(second) if not found.holds]
    assert [found.what for found in broken] == ([] if damage == "in the bin" else ["parent: begins with"])
    shown = json.loads(inside("show", second.record.run_id[:8], "--json", "--root", store.root).stdout)
    assert shown["lineage"][0]["in_bin"] == (damage == "in the bin")
