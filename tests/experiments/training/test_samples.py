"""Stories that a language model writes while it learns."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from errors import UserError
from experiments.build import build
from experiments.loading import load_experiment
from experiments.reproduction.resume import resume
from experiments.training.origin import FromScratch, RunIdentity
from experiments.training.samples import Sample, page
from experiments.training.train import train
from generation.writer import Writer
from lightning_modules.gpt2 import Gpt2LanguageModel
from runs.files import RunFiles
from tests.killed import killed_at, newest, outcome
from tests.tiny import language
from tracking.store import Store


@pytest.fixture
def store(root: Path) -> Store:
    return Store.open(root)


def samples(store: Store, run_id: str) -> list[list[object]]:
    table = json.loads(store.artifact(store.find(run_id), "samples/stories.json").read_text())
    return table["data"]


@pytest.mark.slow
def test_every_validation_adds_stories_and_changes_nothing_else(store: Store) -> None:
    writing = train(language("samples.decoding.max_length=20"), store, FromScratch(reuse=True))
    silent = train(language("samples=none"), store)
    assert outcome(store, writing.run_id) == outcome(store, silent.run_id)
    steps = [row[0] for row in samples(store, writing.run_id)]
    assert steps == [6, 6, 12, 12, 18, 18, 24, 24]
    text = store.artifact(store.find(writing.run_id), "samples/stories.html").read_text()
    assert text.count('class="story"') == 8


@pytest.mark.slow
def test_samples_are_no_part_of_the_recipe_but_must_be_there_when_asked_for(store: Store) -> None:
    first = train(language(), store)
    assert train(language("samples=none"), store, FromScratch(reuse=True)).reused == first.run_id
    other = train(language("samples.prompts=[Mia]"), store, FromScratch(reuse=True))
    assert other.reused is None
    parent = store.find(first.run_id).run_id
    taken = train(
        language("samples.prompts=[Mia]"), store, FromScratch(reuse=True), RunIdentity(parent_id=parent)
    )
    assert taken.reused == other.run_id
    assert samples(store, taken.run_id) == samples(store, other.run_id)


@pytest.mark.slow
def test_a_run_that_was_killed_has_the_stories_of_one_that_was_not(store: Store) -> None:
    config = language("samples.decoding.max_length=20")
    whole = train(config, store)
    with killed_at(15):
        train(config, store)
    killed = newest(store)
    resume(RunFiles(store, killed))
    assert samples(store, killed.run_id) == samples(store, whole.run_id)


def test_a_prompt_that_cannot_be_read_is_refused_before_the_run(store: Store) -> None:
    config = load_experiment("demo_stories", ["samples.prompts=[Tom and the big old tree in the garden]",
                                              "samples.decoding.max_length=3"])  # fmt: skip
    with pytest.raises(UserError, match="leaves none of max_length=3 to write"):
        build(config, cache_dir=store.root / "cache")
    assert store.runs() == []


def test_whoever_interrupts_the_writing_keeps_the_validation(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(self: Writer, *arguments: object) -> object:
        raise KeyboardInterrupt

    monkeypatch.setattr(Writer, "write", interrupted)
    with pytest.raises(KeyboardInterrupt):
        train(language(), store)
    run = newest(store)
    assert run.status == "KILLED"
    assert [step for step, _ in store.metric_history(run.run_id, "val/loss")] == [6]


def test_blanks_around_a_prompt_are_no_part_of_it() -> None:
    config = load_experiment("demo_stories", ["samples.prompts=[' Once upon ', '']"])
    assert config.samples is not None
    assert config.samples.prompts == ("Once upon", "")


def test_a_classifier_writes_no_samples() -> None:
    with pytest.raises(UserError, match="a model of kind 'distilbert' writes no stories"):
        load_experiment("demo_reviews", ["samples.prompts=[Once]"])


def test_the_page_shows_text_as_text() -> None:
    shown = page([Sample(5, "<b>", "<b>1 & 2", 3, ended=False)])
    assert "<b>&lt;b&gt;</b>1 &amp; 2 <i>… (broken off" in shown


@pytest.mark.slow
def test_a_model_that_diverges_at_a_validation_ends_as_without_samples(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = Gpt2LanguageModel.on_validation_epoch_start

    def diverged(self: Gpt2LanguageModel) -> None:
        original(self)
        if self.global_step == 12:
            torch.nn.init.constant_(self.model.transformer.ln_f.weight, torch.nan)

    monkeypatch.setattr(Gpt2LanguageModel, "on_validation_epoch_start", diverged)
    for config in (language("samples.decoding.max_length=24"), language("samples=none")):
        with pytest.raises(UserError, match="the training loss is nan at step 12"):
            train(config, store)
