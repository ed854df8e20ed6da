"""A search over how a tiny model writes: one run per setting, judged, gone on with, selected by held-out beginnings."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from analysis.stories.words import words_of
from cli.stories import decoding_sweep_verb
from errors import UserError
from experiments.loading import load_experiment
from experiments.stories.generate import trained_writer
from experiments.stories.rewrite import replay
from experiments.training.inputs import data_of_run
from experiments.training.train import train
from generation.writer import Writer
from runs.files import RunFiles
from runs.layout import STORIES_TABLE
from sweeps.config import DecodingSweepConfig, StoryLimits
from sweeps.decoding.prompts import sample_stories
from sweeps.decoding.recorded import recorded_settings
from sweeps.decoding.rows import (
    MISSED,
    OBJECTIVE,
    DecodingReport,
    SettingRow,
    limits_missed,
    rank,
    score,
)
from sweeps.decoding.search import run_decoding_sweep
from sweeps.decoding.writing import writing_run
from sweeps.loading import load_search
from tests.overrides import latest
from tests.tiny import REPEATED_LANGUAGE
from tracking.store import Store

SWEEP = """
name: tiny_decoding
description: How a tiny model writes
kind: decoding
experiment: demo_stories
decoding: {max_length: 20, temperature: 0.6, repetition_penalty: 1.2}
space:
  temperature: {kind: float, low: 0.2, high: 1.5}
  max_length: {kind: choice, options: [20, 30]}
sampler: {kind: tpe, startup_trials: 2}
budget: {trials: 3}
stories: 10
prompt_words: 3
batch_size: 4
"""


def spec(folder: Path, *overrides: str) -> DecodingSweepConfig:
    (folder / "sweep.yaml").write_text(SWEEP)
    found, rest = load_search(str(folder / "sweep.yaml"), overrides)
    assert isinstance(found, DecodingSweepConfig)
    assert rest == []
    return found


@pytest.fixture(scope="module")
def made(migrated: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A store with a finished language model."""
    folder = tmp_path_factory.mktemp("decoded") / "mlruns"
    folder.mkdir()
    shutil.copy(migrated, folder / "mlflow.db")
    config = load_experiment(
        "demo_stories", latest([*REPEATED_LANGUAGE, "samples=none", "export.when=never"])
    )
    return folder, train(config, Store.open(folder)).run_id


@pytest.fixture
def store(made: tuple[Path, str], tmp_path: Path) -> Store:
    shutil.copytree(made[0], tmp_path / "mlruns")
    return Store.open(tmp_path / "mlruns")


@pytest.fixture(scope="module")
def swept(made: tuple[Path, str], tmp_path_factory: pytest.TempPathFactory) -> tuple[Store, DecodingReport]:
    folder = tmp_path_factory.mktemp("swept")
    shutil.copytree(made[0], folder / "mlruns")
    store = Store.open(folder / "mlruns")
    return store, run_decoding_sweep(spec(folder), store)


def test_every_setting_is_a_run_with_its_stories_and_figures(swept: tuple[Store, DecodingReport]) -> None:
    store, report = swept
    children = store.runs(parent_id=report.parent_id)
    assert len(children) == 4
    assert sorted(run.tags["encore.stage"] for run in children) == ["official", *["search"] * 3]
    for run in children:
        assert run.status == "FINISHED"
        table = json.loads(store.artifact(run, STORIES_TABLE).read_text())
        assert len(table["data"]) == 10
        assert {"story", "loop", "copied_13grams", "names_kept", "perplexity"} <= set(table["columns"])
        assert not [name for name in run.metrics if name.startswith("system/")]
        assert {OBJECTIVE, "stories/perplexity", "stories/distinct_2", "stories/ended"} <= run.metrics.keys()
        assert run.params.keys() >= {"decoding.temperature", "decoding.max_length", "decoding.top_p"}
        assert replay(RunFiles(store, run), 9).same


def assert_same(one: DecodingReport | None, other: DecodingReport) -> None:
    """The figures of the real stories are rounded in the store."""
    assert one is not None
    assert replace(one, real={}) == replace(other, real={})
    assert one.real == pytest.approx(other.real, rel=1e-3)


def test_run_again_it_writes_nothing_and_says_the_same(
    swept: tuple[Store, DecodingReport], tmp_path: Path
) -> None:
    store, report = swept
    before = {file: file.read_bytes() for file in store.root.rglob("*") if file.is_file()}
    again = run_decoding_sweep(spec(tmp_path), Store.read(store.root))
    assert_same(again, report)
    assert_same(recorded_settings(store, store.find(report.parent_id)), report)
    assert {file: file.read_bytes() for file in store.root.rglob("*") if file.is_file()} == before


def test_the_first_setting_is_the_sweeps_own(swept: tuple[Store, DecodingReport]) -> None:
    _, report = swept
    assert report.rows[0].values == {"temperature": "0.6", "max_length": "20"}


def test_the_best_is_chosen_by_held_out_beginnings_and_writes_once_from_official_ones(
    swept: tuple[Store, DecodingReport], tmp_path: Path
) -> None:
    store, report = swept
    searched = [row for row in report.rows if row.stage == "search"]
    assert report.best == max(
        searched,
        key=lambda row: (
            -row.metrics[MISSED],
            row.metrics[OBJECTIVE],
            row.metrics["stories/ended"],
            -row.trial,
        ),
    )
    official = report.rows[-1]
    assert (official.stage, official.values) == ("official", report.best.values)
    prompts = {
        row.stage: json.loads(store.artifact(store.find(row.run_id), "stories/request.json").read_text())[
            "prompts"
        ]
        for row in report.rows
    }
    assert prompts["search"] != prompts["official"]
    parent = store.find(report.parent_id)
    assert parent.status == "FINISHED"
    assert parent.metrics["test/coherent"] == official.metrics[OBJECTIVE]
    assert parent.metrics["real/ended"] == 1.0
    source = trained_writer(RunFiles(store, writing_run(spec(tmp_path), store)), "torch", threads=1)
    drawn = sample_stories(data_of_run(source.run, source.config), "val", spec(tmp_path))
    assert parent.metrics["real/words"] == np.mean([len(words_of(story)) for story in drawn])
    assert parent.tags["encore.best_run"] == report.best.run_id


@pytest.mark.slow
def test_an_interrupted_sweep_goes_on_where_it_stopped(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, swept: tuple[Store, DecodingReport]
) -> None:
    original, calls = Writer.write, iter(range(100))

    def interrupted(self: Writer, *arguments: object, **options: object) -> object:
        if next(calls) == 1:
            raise KeyboardInterrupt
        return original(self, *arguments, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(Writer, "write", interrupted)
    with pytest.raises(KeyboardInterrupt):
        run_decoding_sweep(spec(tmp_path), store)
    monkeypatch.undo()
    report = run_decoding_sweep(spec(tmp_path), store)
    figures = [(row.stage, row.values, row.metrics) for row in report.rows]
    assert figures == [(row.stage, row.values, row.metrics) for row in swept[1].rows]
    again = run_decoding_sweep(spec(tmp_path), store)
    assert_same(again, report)  # nothing is written again
    longer = run_decoding_sweep(spec(tmp_path, "budget.trials=4"), store)
    assert longer.rows[:3] == report.rows[:3]
    assert len([row for row in longer.rows if row.stage == "search"]) == 4
    lost = next(row for row in longer.rows if row.stage == "search" and row.run_id != longer.best.run_id)
    store.client.delete_tag(lost.run_id, "encore.trial")  # as in the UI: the row is gone, the result is not
    less = run_decoding_sweep(spec(tmp_path, "budget.trials=4"), store)
    assert less.rows == tuple(row for row in longer.rows if row != lost)


@pytest.mark.parametrize(
    ("overrides", "problem"),
    [
        (
            ["space={tempereture: {kind: float, low: 0.2, high: 1}}"],
            "tempereture: no such option .* temperature",
        ),
        (["decoding.temperature=2.0"], "decoding.temperature=2.0 lies outside the space"),
        (["space={top_p: {kind: float, low: 0.5, high: 1.5}}"], "top_p=1.5: top_p"),
        (
            ["space={max_length: {kind: choice, options: [20, 500]}}"],
            "500 tokens, and the model's context holds 32",
        ),
        (
            ["space={max_length: {kind: float, low: 20, high: 30}}"],
            "max_length: 20.0 is not allowed",
        ),
        (["space={max_length: {kind: choice, options: [20, 2]}}"], "leaves none of max_length=2 to write"),
        (["stories=1000"], "1000 beginnings are asked for, and a split has"),
        (["experiment=tinystories_small"], "no finished run of tinystories_small that could write"),
        (["run=ffff"], "no run's id begins with 'ffff'"),
    ],
)
def test_what_cannot_be_written_is_refused_before_a_run(
    store: Store, tmp_path: Path, overrides: list[str], problem: str
) -> None:
    before = len(store.runs())
    with pytest.raises(UserError, match=problem):
        run_decoding_sweep(spec(tmp_path, *overrides), store)
    assert len(store.runs()) == before


def test_a_missed_limit_outweighs_coherence() -> None:
    figures = {"ended": 0.9, "loops": 0.05, "copied_13grams": 0.02}
    assert limits_missed(StoryLimits(), figures) == 0
    assert limits_missed(StoryLimits(), {**figures, "ended": 0.89}) == 1
    assert limits_missed(StoryLimits(), {"ended": 0.1, "loops": 0.06, "copied_13grams": 0.03}) == 3
    coherent = SettingRow(0, "search", "a", {}, {OBJECTIVE: 1.0, MISSED: 1.0, "stories/ended": 0.2})
    holding = SettingRow(1, "search", "b", {}, {OBJECTIVE: 0.1, MISSED: 0.0, "stories/ended": 0.9})
    assert score(holding) > score(coherent)
    ending = SettingRow(2, "search", "c", {}, {OBJECTIVE: 0.1, MISSED: 0.0, "stories/ended": 0.95})
    assert sorted([coherent, holding, ending], key=rank, reverse=True) == [ending, holding, coherent]


def test_training_again_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="a decoding sweep trains nothing"):
        decoding_sweep_verb(spec(tmp_path), [], tmp_path, again=True, as_json=False, dry_run=True)


def test_pruning_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="nothing can be pruned"):
        spec(tmp_path, "pruner={kind: median}")


def test_the_catalogued_sweep_begins_with_the_notes_settings() -> None:
    sweep, _ = load_search("tinystories_decoding")
    assert isinstance(sweep, DecodingSweepConfig)
    assert (sweep.decoding.max_length, sweep.decoding.temperature) == (150, 0.6)
    assert sweep.decoding.repetition_penalty > 1


def test_the_minutes_of_a_session_count_and_the_run_is_the_same_by_any_name(
    store: Store, made: tuple[Path, str], tmp_path: Path
) -> None:
    first = run_decoding_sweep(spec(tmp_path, "budget.minutes=1.0e-6"), store)
    assert [row.stage for row in first.rows] == ["search", "official"]
    named = run_decoding_sweep(spec(tmp_path, "budget.minutes=1.0e-6", f"run={made[1][:12]}"), store)
    assert named == first
