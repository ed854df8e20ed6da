"""Real sweeps of real, very small runs."""

from __future__ import annotations

import io
import json
import re
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import optuna
import pytest
from rich.console import Console

from comparison.report.attempts import Attempts
from comparison.report.page import page_of
from comparison.report.subject import subject_of
from errors import UserError
from experiments.training.exporting import export_run
from host.terminal import TerminalReporter
from runs.files import run_named
from runs.result import RunResult
from sweeps.finished import ALREADY
from sweeps.rows import SweepReport
from sweeps.run import run_sweep
from tests.overrides import latest
from tests.processes import encore, inside, started, wait_until
from tests.sweep_specs import load_sweep
from tests.tiny import SHORT
from tracking.store import Store

SMALL = [*SHORT, "train.threads=1", "export.scored_examples=50", "export.max_accuracy_drop=0.2",
         "export.latency_seconds=0",
         "model.dim=16", "model.heads=2", "model.hidden_dim=32"]  # fmt: skip


def sweep(root: Path, *overrides: str) -> SweepReport:
    spec, rest = load_sweep("demo", latest([*SMALL, *overrides]))
    return run_sweep(spec, Store.open(root), overrides=rest)


def contents(root: Path) -> dict[Path, bytes]:
    return {file: file.read_bytes() for file in root.rglob("*") if file.is_file()}


@pytest.fixture(scope="module")
def swept(migrated: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Store, SweepReport]:
    folder = tmp_path_factory.mktemp("swept")
    (folder / "mlflow.db").write_bytes(migrated.read_bytes())
    pruner = "pruner={kind: median, startup_trials: 1, warmup_steps: 0}"
    finale = "finale={top: 1, overrides: {train.max_steps: 12, data.selection_examples: 40}}"
    return Store.open(folder), sweep(folder, "budget.trials=6", pruner, finale, "data.selection_examples=200")


def test_every_trial_is_a_child_run_with_all_columns(swept: tuple[Store, SweepReport]) -> None:
    store, report = swept
    parent = store.find(report.parent_id)
    children = store.runs(parent_id=parent.run_id)
    assert parent.status == "FINISHED"
    assert len(children) == 7
    assert {run.status for run in children} <= {"FINISHED", "KILLED"}
    columns = {
        "best/val/accuracy",
        "best/val/loss",
        "test/accuracy",
        "test/f1",
        "time/training_s",
        "best/step",
    }
    for run in children:
        assert columns <= run.metrics.keys()
        assert {"optim.learning_rate", "optim.warmup_ratio", "train.precision"} <= run.params.keys()
        if run.status == "FINISHED":
            assert "export/int8/accuracy" in run.metrics
        else:
            assert run.tags["encore.killed_because"] == "pruned"


def test_the_first_trial_has_the_experiments_own_values(swept: tuple[Store, SweepReport]) -> None:
    _, report = swept
    assert report.rows[0].values == {
        "optim.learning_rate": "0.001",
        "optim.warmup_ratio": "0.1",
        "train.precision": "32-true",
    }


@pytest.mark.slow
def test_a_trial_has_one_number_in_the_progress_the_table_and_the_store(root: Path) -> None:
    told: dict[str, str] = {}
    console = Console(file=io.StringIO(), width=200)
    assert isinstance(console.file, io.StringIO)
    finale = "finale={top: 1, overrides: {train.max_steps: 12}}"
    spec, rest = load_sweep("demo", latest([*SMALL, "budget.trials=2", "export.when=never", finale]))
    store = Store.open(root)

    def tell(what: str, result: RunResult) -> None:
        told[result.run_id] = what

    report = run_sweep(spec, store, overrides=rest, reporter=TerminalReporter(console), on_trial=tell)
    of_table = {
        row.run_id: f"{'the finale of ' * (row.stage == 'finale')}trial {row.trial}" for row in report.rows
    }
    assert told == of_table
    assert list(of_table.values())[:2] == ["trial 0", "trial 1"]
    for run_id, what in told.items():
        assert f"demo, {what}" in next(
            line for line in console.file.getvalue().splitlines() if run_id[:8] in line
        )
        assert store.find(run_id).tags["encore.trial"] == what[-1]


def test_the_best_is_selected_by_the_held_out_slice_alone(swept: tuple[Store, SweepReport]) -> None:
    store, report = swept
    searched = [row for row in report.rows if row.stage == "search" and row.status == "FINISHED"]
    most = max(row.metrics["best/val/accuracy"] for row in searched)
    assert report.best is not None
    (in_search,) = [row for row in searched if row.trial == report.best.trial]
    assert in_search.metrics["best/val/accuracy"] == most
    assert store.find(report.parent_id).tags["encore.best_run"] == report.best.run_id
    assert store.find(report.parent_id).metrics["test/accuracy"] == report.best.metrics["test/accuracy"]


LANGUAGE_SWEEP = """
name: tiny_stories
description: Learning rates of a tiny language model
experiment: demo_stories
overrides: {model.dim: 16, model.heads: 2, model.layers: 1, model.vocab_size: 300, data.max_tokens: 32,
            data.train_examples: 100, data.selection_examples: 20, train.max_steps: 16, train.validations: 4,
            train.threads: 1, export.when: never, optim.learning_rate: 3e-3}
space:
  optim.learning_rate: {kind: choice, options: [3e-3, 1e-5, 1e-4]}
sampler: {kind: grid}
pruner: {kind: median, startup_trials: 1, warmup_steps: 0}
budget: {trials: 9}
"""


@pytest.mark.slow
def test_slow_learners_are_pruned_inside_the_epoch_and_a_grid_ends_by_itself(
    root: Path, tmp_path: Path
) -> None:
    (tmp_path / "sweep.yaml").write_text(LANGUAGE_SWEEP)
    spec, rest = load_sweep(str(tmp_path / "sweep.yaml"))
    store = Store.open(root)
    report = run_sweep(spec, store, overrides=rest)
    by_rate = {float(row.values["optim.learning_rate"]): row for row in report.rows}
    assert {rate: row.status for rate, row in by_rate.items()} == {
        3e-3: "FINISHED",
        1e-5: "PRUNED",
        1e-4: "PRUNED",
    }
    for rate in (1e-5, 1e-4):
        assert len(store.metric_history(by_rate[rate].run_id, "train/loss")) < 16
        assert "test/perplexity" in by_rate[rate].metrics
    assert report.best is not None
    assert report.best.run_id == by_rate[3e-3].run_id


def test_the_finale_runs_the_best_trial_longer(swept: tuple[Store, SweepReport]) -> None:
    store, report = swept
    (finale,) = [row for row in report.rows if row.stage == "finale"]
    searched = {row.trial: row for row in report.rows if row.stage == "search"}
    assert searched[finale.trial].values == finale.values
    assert len(store.metric_history(finale.run_id, "train/loss")) == 12
    assert report.best == finale


def test_a_sweep_names_its_best_run_to_export(swept: tuple[Store, SweepReport]) -> None:
    store, report = swept
    assert report.best is not None
    with pytest.raises(UserError, match=f"Take its best run, {report.best.run_id[:8]}"):
        export_run(run_named(store, report.parent_id))


@pytest.mark.slow
def test_a_given_value_of_a_searched_key_is_said_to_move_the_first_trial_alone(root: Path) -> None:
    options = ["budget.trials=1", "pruner={kind: none}", "export.when=never", "optim.learning_rate=0.003"]
    report = sweep(root, *options)
    assert any("optim.learning_rate is drawn by the search; 0.003 is" in note for note in report.notes)
    assert float(report.rows[0].values["optim.learning_rate"]) == 0.003


def test_the_sweeps_page_is_the_one_that_report_writes(swept: tuple[Store, SweepReport]) -> None:
    store, report = swept
    parent = store.find(report.parent_id)
    page = store.artifact(parent, "sweep/report.html").read_text()
    assert page == page_of(subject_of(store, [report.parent_id]), Attempts(), report.notes)
    assert page.count("<figure") >= 3
    finale = next(row for row in report.rows if row.stage == "finale")
    assert f"finale t{finale.trial:02d} {finale.run_id[:8]}" in page
    assert len(json.loads(store.artifact(parent, "sweep/trials.json").read_text())) == 7


@pytest.mark.slow
def test_a_finished_sweep_run_again_writes_nothing_and_needs_no_library(root: Path) -> None:
    typed = ["sweep", "demo", *SMALL, "budget.trials=1", "pruner={kind: none}", "--root", str(root)]
    sweep(root, "budget.trials=1", "pruner={kind: none}")
    before = contents(root)
    code = (
        "import sys, cli.main\n"
        "try: cli.main.main()\n"
        "except SystemExit as end: assert not end.code, end.code\n"
        "print(sorted({'mlflow', 'torch', 'optuna'} & set(sys.modules)), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code, *typed], capture_output=True, text=True, check=True)
    assert done.stderr.splitlines()[-1] == "[]"
    assert ALREADY in " ".join(done.stdout.split())
    assert contents(root) == before
    told = encore("sweep", "demo", "--status", "--root", root)
    assert "1 of 1 trials: 1 finished." in told.stdout
    assert contents(root) == before
    Store.open(root).client.delete_run(sweep(root, "budget.trials=1", "pruner={kind: none}").rows[0].run_id)
    assert sweep(root, "budget.trials=1", "pruner={kind: none}").best is None  # not looked up: it is gone


@pytest.mark.slow
def test_a_finished_sweep_run_again_trains_nothing_and_goes_on_with_a_larger_budget(root: Path) -> None:
    first = sweep(root, "budget.trials=2", "pruner={kind: none}")
    again = sweep(root, "budget.trials=2", "pruner={kind: none}")
    assert [row.run_id for row in again.rows] == [row.run_id for row in first.rows]
    more = sweep(root, "budget.trials=3", "pruner={kind: none}")
    assert [row.run_id for row in more.rows][:2] == [row.run_id for row in first.rows]
    assert len(more.rows) == 3
    assert more.parent_id == first.parent_id


@pytest.mark.slow
def test_a_changed_finale_runs_anew_and_an_equal_one_does_not(root: Path) -> None:
    options = ["budget.trials=1", "pruner={kind: none}", "export.when=never"]

    def finale(steps: int) -> SweepReport:
        return sweep(root, *options, f"finale={{top: 1, overrides: {{train.max_steps: {steps}}}}}")

    def selected(report: SweepReport) -> str:
        assert report.best is not None
        assert report.best.stage == "finale"
        return report.best.run_id

    first, again, longer = finale(12), finale(12), finale(16)
    assert replace(again, notes=()) == replace(first, notes=())
    assert again.notes == (ALREADY,)
    assert [row.stage for row in longer.rows] == ["search", "finale", "finale"]
    assert selected(longer) != selected(first)
    assert selected(finale(12)) == selected(first)


@pytest.mark.slow
def test_the_best_alone_is_exported_and_once(root: Path) -> None:
    options = ["budget.trials=2", "pruner={kind: none}", "export.when=best"]
    report = sweep(root, *options)
    exported = [row.run_id for row in report.rows if "export/int8/accuracy" in row.metrics]
    assert report.best is not None
    assert exported == [report.best.run_id]
    store = Store.open(root)
    sweep(root, *options)
    assert len(store.metric_history(report.best.run_id, "export/int8/accuracy")) == 1


@pytest.mark.slow
def test_a_sweep_whose_files_are_damaged_or_gone_says_so(root: Path, migrated: Path) -> None:
    options = ["budget.trials=1", "pruner={kind: none}", "export.when=never"]
    sweep(root, *options)
    (root / "mlflow.db").write_bytes(migrated.read_bytes())
    with pytest.raises(UserError, match="the store has no run"):
        sweep(root, *options)
    study = root / "optuna.db"
    study.write_bytes(b"no database " * 1000)
    with pytest.raises(UserError, match="is not a database") as told:
        sweep(root, *options)
    assert "\n" not in str(told.value)
    study.unlink()
    assert sweep(root, *options).best is not None


@pytest.mark.slow
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_a_sweep_whose_process_dies_goes_on_and_no_run_stays_running(root: Path, how: signal.Signals) -> None:
    long = latest([*SMALL, "train.max_steps=4000"])
    process = started("sweep", "demo", "--root", root, "budget.trials=2", "pruner={kind: none}", *long)
    store = Store.open(root)
    wait_until(lambda: any(store.metric_history(run.run_id, "train/loss") for run in store.runs()), process)
    process.send_signal(how)
    _, stderr = process.communicate(timeout=60)
    if how == signal.SIGTERM:
        assert process.returncode == 143
        last = stderr.strip().splitlines()[-1]
        assert re.fullmatch(
            r"encore: terminated; run [0-9a-f]{8} is KILLED in the store; the same command goes on with the sweep; "
            "what was finished is kept",
            last,
        )
        assert "SIGTERM" not in stderr  # as Lightning says it
    states = {run.tags.get("encore.kind"): run.status for run in Store.open(root).runs()}
    assert states == {"sweep": "KILLED", "trial": "KILLED"}
    study = optuna.load_study(study_name=None, storage=f"sqlite:///{root / 'optuna.db'}")
    (lost,) = study.get_trials()[:1]
    assert lost.state == (
        optuna.trial.TrialState.FAIL if how == signal.SIGTERM else optuna.trial.TrialState.RUNNING
    )


@pytest.mark.slow
def test_a_sweep_killed_in_a_trial_ends_as_one_that_was_not(
    root: Path, migrated: Path, tmp_path: Path
) -> None:
    """The killed process's trial is trained anew; in the end both sweeps have the same trials and scores."""
    options = ["budget.trials=3", "pruner={kind: none}", "export.when=never", *SMALL]
    command = ["sweep", "demo", "--root", root, *options]
    process = started(*command)
    store = Store.open(root)
    wait_until(lambda: any(run.tags.get("encore.trial") == "1" for run in store.runs()), process)
    process.kill()
    process.wait()
    assert inside(*command).returncode == 0
    other = tmp_path / "whole"
    other.mkdir()
    (other / "mlflow.db").write_bytes(migrated.read_bytes())
    whole = sweep(other, *options)

    def found(store: Store, report_id: str) -> dict[str, tuple[str, float]]:
        runs = [run for run in store.runs(parent_id=report_id) if run.status == "FINISHED"]
        return {run.params["optim.learning_rate"]: (run.status, run.metrics["best/val/loss"]) for run in runs}

    (parent,) = store.runs(tags={"encore.kind": "sweep"})
    assert parent.status == "FINISHED"
    assert found(store, parent.run_id) == found(Store.open(other), whole.parent_id)
