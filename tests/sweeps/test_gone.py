"""Sweeps of which something is gone or damaged: the runs in the store, the trials and the words in the study."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from errors import LibraryError, UserError
from runs.layout import DONE_TAG
from sweeps.report import SWEEP_ERRORS_FILE as SWEEP_ERRORS_FILE
from sweeps.rows import SweepReport
from sweeps.run import run_sweep
from tests.sweep_specs import load_sweep
from tracking.store import Store

SWEEP = """
name: tiny
description: two tiny trials
experiment: demo_reviews
overrides: {data.train_examples: 40, data.selection_examples: 10, train.max_steps: 2, train.validations: 1,
            train.threads: 1, export.when: never, model.layers: 1, model.heads: 2, model.dim: 16,
            model.hidden_dim: 16, model.vocab_size: 300}
space:
  optim.learning_rate: {kind: float, low: 2.0e-4, high: 3.0e-3, log: true}
sampler: {kind: random}
pruner: {kind: none}
budget: {trials: 2}
"""


@pytest.fixture(scope="module")
def once(migrated: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("once") / "mlruns"
    root.mkdir()
    shutil.copy(migrated, root / "mlflow.db")
    (root.parent / "tiny.yaml").write_text(SWEEP)
    run(root.parent / "tiny.yaml", root)
    return root


@pytest.fixture
def spec(once: Path) -> Path:
    return once.parent / "tiny.yaml"


@pytest.fixture
def swept(once: Path, tmp_path: Path) -> Path:
    """A sweep's root, to be damaged; that it has been run to its end is forgotten, or it would only be looked up."""
    root = tmp_path / "mlruns"
    shutil.copytree(once, root)
    with closing(sqlite3.connect(root / "mlflow.db")) as store, store:
        store.execute("DELETE FROM tags WHERE key = ?", [DONE_TAG])
    return root


def run(spec: Path, root: Path, *overrides: str) -> SweepReport:
    sweep, rest = load_sweep(str(spec), list(overrides))
    return run_sweep(sweep, Store.open(root), overrides=rest)


def altered(root: Path, statement: str) -> None:
    with closing(sqlite3.connect(root / "optuna.db")) as study, study:
        study.execute(statement)


def parent_of(store: Store) -> str:
    return store.runs(tags={"encore.kind": "sweep"})[0].run_id


def told(spec: Path, root: Path) -> str:
    with pytest.raises(UserError) as error:
        run(spec, root)
    assert "\n" not in str(error.value)
    return str(error.value)


@pytest.mark.slow
def test_a_sweep_whose_run_was_deleted_says_so_each_time_and_goes_on_when_it_is_restored(
    spec: Path, swept: Path
) -> None:
    store = Store.open(swept)
    parent = parent_of(store)
    store.client.delete_run(parent)
    first, second = told(spec, swept), told(spec, swept)
    assert first == second
    for part in ("was deleted in the store", "optuna.db", f"mlflow runs restore -r {parent}", "another seed"):
        assert part in first
    store.client.restore_run(parent)
    assert run(spec, swept).parent_id == parent


def test_a_deleted_experiment_is_named(spec: Path, swept: Path) -> None:
    store = Store.open(swept)
    experiment = store.client.get_experiment_by_name("demo_reviews")
    assert experiment is not None
    store.client.delete_experiment(experiment.experiment_id)
    line = told(spec, swept)
    assert line == told(spec, swept)
    assert f"mlflow experiments restore -x {experiment.experiment_id}" in line
    store.client.restore_experiment(experiment.experiment_id)
    assert run(spec, swept).best is not None


def test_another_seed_begins_anew(spec: Path, swept: Path) -> None:
    store = Store.open(swept)
    gone = parent_of(store)
    store.client.delete_run(gone)
    report = run(spec, swept, "seed=1", "budget.trials=1")
    assert report.parent_id != gone


def test_the_report_is_of_the_runs_that_are_left(spec: Path, swept: Path) -> None:
    before = run(spec, swept)
    assert before.best is not None
    Store.open(swept).client.delete_run(before.best.run_id)
    after = run(spec, swept)
    assert [row.run_id for row in after.rows] == [
        row.run_id for row in before.rows if row.run_id != before.best.run_id
    ]
    assert after.best == after.rows[0]


@pytest.mark.slow
def test_a_trial_deleted_from_the_study_costs_no_result(spec: Path, swept: Path) -> None:
    altered(swept, "DELETE FROM trials WHERE number = 0")
    report = run(spec, swept, "budget.trials=3")
    assert report.best is not None
    parent = Store.open(swept).find(report.parent_id)
    assert parent.status == "FINISHED"


@pytest.mark.slow
def test_a_figure_that_cannot_be_drawn_costs_that_figure(
    spec: Path, swept: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("no ink")

    monkeypatch.setattr("matplotlib.figure.Figure.savefig", broken)
    report = run(spec, swept, "budget.trials=3")
    assert report.best is not None
    note = "the settings cannot be shown (no ink)."
    assert note in report.notes
    store = Store.open(swept)
    parent = store.find(report.parent_id)
    assert parent.status == "FINISHED"
    assert "RuntimeError: no ink" in store.artifact(parent, SWEEP_ERRORS_FILE).read_text()
    page = store.artifact(parent, "sweep/report.html").read_text()
    assert note in page
    assert "The runs" in page


@pytest.mark.slow
@pytest.mark.parametrize("tag", ["encore.trial", "encore.stage"])
def test_a_run_that_has_lost_its_tags_costs_its_row_and_no_result(spec: Path, swept: Path, tag: str) -> None:
    store = Store.open(swept)
    lost, kept = (run.run_id for run in store.runs(tags={"encore.kind": "trial"}))
    store.client.delete_tag(lost, tag)
    report = run(spec, swept)
    assert [row.run_id for row in report.rows] == [kept]
    assert report.best == report.rows[0]
    assert f"left out, as their tags name no trial: {lost[:8]}." in report.notes


@pytest.mark.parametrize("table", ["study_user_attributes", "trial_user_attributes"])
def test_a_word_of_the_study_that_is_no_json(spec: Path, swept: Path, table: str) -> None:
    altered(swept, f"UPDATE {table} SET value_json = '{{oops'")  # noqa: S608 two names from above
    with pytest.raises(LibraryError, match=r"study tiny-\w{8} in .*optuna\.db: Optuna cannot go on"):
        run(spec, swept)


def test_a_study_of_another_optuna(spec: Path, swept: Path) -> None:
    altered(swept, "UPDATE version_info SET schema_version = 3")
    altered(swept, "UPDATE alembic_version SET version_num = 'v0.9.0.a'")
    assert "written by another version of Optuna" in told(spec, swept)


def test_a_study_that_is_cut_off(spec: Path, swept: Path) -> None:
    content = (swept / "optuna.db").read_bytes()
    (swept / "optuna.db").write_bytes(content[: len(content) // 2])
    assert "optuna.db: this database is damaged" in told(spec, swept)
