"""Model folders as somebody may prepare them, in the place of a finished run's: nothing of them is read."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from errors import UserError
from experiments.stories.generate import trained_writer
from experiments.training.exporting import export_run
from runs.files import RunFiles
from runs.verify import verify
from tests.end_to_end.prepared import Prepared
from tests.hostile import CASES, Case, contents, fake_kernels
from tracking.entities import RunRecord
from tracking.store import Store

FAMILY = {"distilbert": "classifier", "gpt2": "language model"}
PLANTED = [
    pytest.param(case, family, id=f"{case.name}-{family}", marks=[] if number % 8 == 0 else pytest.mark.slow)
    for number, case in enumerate(CASES)
    for family in case.families
]


@pytest.fixture(scope="module")
def made(whole: Prepared, tmp_path_factory: pytest.TempPathFactory) -> tuple[Store, dict[str, str]]:
    copied = whole.copied(tmp_path_factory.mktemp("planted") / "mlruns")
    runs = {family: copied.runs[name] for family, name in FAMILY.items()}
    return Store.open(copied.root), runs


@pytest.fixture
def run(made: tuple[Store, dict[str, str]], family: str) -> Iterator[tuple[Store, RunRecord]]:
    """A run whose model is put back afterwards, link by link and pipe by pipe."""
    store, runs = made
    record = store.find(runs[family])
    model = store.artifact(record, "model")
    whole = model.with_name("whole")
    shutil.copytree(model, whole)
    aside = shutil.move(whole, store.root / "whole")
    yield store, record
    shutil.rmtree(model)
    shutil.move(aside, model)


def _verbs(family: str) -> dict[str, Callable[[RunFiles], object]]:
    verbs: dict[str, Callable[[RunFiles], object]] = {"export": export_run}
    if family == "gpt2":
        verbs["generate"] = lambda run: trained_writer(run, "torch", threads=1)
    return verbs


@pytest.mark.parametrize(("case", "family"), PLANTED)
def test_a_planted_model_is_named_and_not_read(
    run: tuple[Store, RunRecord], case: Case, family: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, record = run
    model = store.artifact(record, "model")
    marker = tmp_path / "outside" / "marker"
    marker.parent.mkdir()
    monkeypatch.syspath_prepend(str(fake_kernels(tmp_path / "packages", marker)))
    there = set(contents(model))
    changed = case.plant(model, marker)
    planted = {f"model/{file}" for file in changed if file in there | set(contents(model))}
    before = contents(marker.parent), _names(store.root)
    for name, verb in _verbs(family).items():
        with pytest.raises(UserError) as refused:
            verb(RunFiles(store, record))
        line = str(refused.value)
        assert "\n" not in line, name
        assert len(line) <= 500, name
        assert "model/" in line, name
    named = {check.file for check in verify(RunFiles(store, record)) if not check.holds}
    assert planted <= named
    assert not marker.exists()
    assert (contents(marker.parent), _names(store.root)) == before


def _names(folder: Path) -> set[Path]:
    """What lies there; the database and the locks of the journal come and go."""
    return {path for path in folder.rglob("*") if path.name not in {"mlflow.db-journal"}}
