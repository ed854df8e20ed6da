"""A disk that fills while a run is written: real small disks, at every size near where the run just fits."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from cli.main import app
from cli.options import ended
from experiments.loading import load_experiment
from experiments.training.exporting import ExportFailedError
from experiments.training.origin import FromScratch
from experiments.training.train import train
from sweeps.run import run_sweep
from tests.small_disks import small_disk
from tests.sweep_specs import load_sweep
from tracking.store import Store

TINY = ["data.train_examples=40", "data.selection_examples=10", "train.max_steps=2", "train.validations=1",
        "train.threads=1", "model.layers=1", "model.heads=2", "model.dim=16", "model.hidden_dim=16",
        "model.vocab_size=300", "export.max_accuracy_drop=1", "export.latency_seconds=0"]  # fmt: skip


def trained(root: Path, capsys: pytest.CaptureFixture[str]) -> tuple[int, str]:
    code = ended(
        lambda: app(["train", "demo_reviews", *TINY, "--root", str(root)], standalone_mode=False), root
    )
    lines = [
        line
        for line in capsys.readouterr().err.splitlines()
        if " steps" not in line and not line.startswith(("data: ", "The champion of "))
    ]
    assert len(lines) == 1 or (not lines and code == 0), lines
    return code, lines[0] if lines else ""


@pytest.mark.slow
@pytest.mark.parametrize("kib", range(1400, 1800, 40))
def test_a_full_root_is_named_whatever_it_was_that_met_it(
    migrated: Path, tmp_path: Path, kib: int, capsys: pytest.CaptureFixture[str]
) -> None:
    with small_disk(tmp_path / "disk", kib) as disk:
        (disk / "mlruns").mkdir()
        shutil.copy(migrated, disk / "mlruns" / "mlflow.db")
        code, line = trained(disk / "mlruns", capsys)
        if not line:
            return  # it fits
        assert code == (0 if "MLflow does not show all of it" in line else 2)
        assert "the disk is full" in line
        assert str(disk) in line
        assert "TMPDIR" not in line
        subprocess.run(["mount", "-o", "remount,size=64m", disk], check=True)
        runs = Store.open(disk / "mlruns").runs()
        assert all(run.status in {"FAILED", "FINISHED"} for run in runs), [run.status for run in runs]
        assert not [path for path in disk.rglob("*") if "partial" in path.name]


@pytest.mark.slow
@pytest.mark.parametrize("kib", [8, 16, 32, 48])
def test_a_full_folder_for_temporary_files_is_not_blamed_on_the_root(
    root: Path, tmp_path: Path, kib: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with small_disk(tmp_path / "disk", kib) as disk:
        monkeypatch.setattr("tempfile.tempdir", str(disk))
        code, line = trained(root, capsys)
    assert code == 2
    assert f"{disk}" in line
    assert "the disk is full" in line
    assert "(TMPDIR)" in line
    assert "Free some space there, or set TMPDIR" in line
    assert all(run.status in {"FAILED", "FINISHED"} for run in Store.open(root).runs())


def _no_quantizing(*_: object, **__: object) -> None:
    raise Exception("boom")


@pytest.mark.slow
def test_an_export_that_fails_costs_nothing_but_the_export(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, config = Store.open(root), load_experiment("demo_reviews", TINY)
    with monkeypatch.context() as patched:
        patched.setattr("scipy.linalg.cholesky", _no_quantizing)
        with pytest.raises(ExportFailedError, match="encore export") as told:
            train(config, store)
    (run,) = store.runs()
    assert run.status == "FINISHED"
    assert run.run_id == told.value.result.run_id
    assert run.metrics["test/accuracy"] == told.value.result.metrics["test/accuracy"]
    assert run.tags["encore.export_gate"].startswith("not exported: ")
    assert store.find_artifact(run, "export") is None
    again = train(config, store, FromScratch(reuse=True))  # trains nothing, and writes what is missing
    assert again.reused == run.run_id
    assert "export/int8/accuracy" in again.metrics


@pytest.mark.slow
def test_a_sweep_goes_on_without_an_export_and_says_so(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    options = [*TINY, "budget.trials=2", "pruner={kind: none}", "export.when=best"]
    sweep, rest = load_sweep("demo", options)
    with monkeypatch.context() as patched:
        patched.setattr("scipy.linalg.cholesky", _no_quantizing)
        report = run_sweep(sweep, Store.open(root), overrides=rest)
    assert report.best is not None
    assert report.best.gate is not None
    assert report.best.gate.startswith("not exported: ")
    assert any("failed" in note and "INT8 ONNX (boom)" in note for note in report.notes)
    later = run_sweep(sweep, Store.open(root), overrides=rest)
    assert later.best is not None
    assert later.best.gate == "passed"
