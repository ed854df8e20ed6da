"""Code planted into the model of a finished run: nothing that reads the model runs it, and nothing hands it on."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from errors import UserError
from experiments.training.exporting import export_run
from experiments.training.train import train
from runs.files import run_named
from runs.layout import MODEL_FOLDER
from tests.hostile import CASES, contents
from tests.tiny import language
from tracking.places import local_path
from tracking.store import Store

pytestmark = pytest.mark.slow  # tests/host reads the same folders without a run around them


@pytest.fixture(scope="module")
def made(migrated: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    folder = tmp_path_factory.mktemp("planted") / "mlruns"
    folder.mkdir()
    shutil.copy(migrated, folder / "mlflow.db")
    return folder, train(
        language("export.scored_examples=20", "export.max_loss_increase=9"), Store.open(folder)
    ).run_id


@pytest.fixture
def copied(made: tuple[Path, str], tmp_path: Path) -> tuple[Store, str, Path]:
    """A store with the run, its ID and the folder of its model."""
    shutil.copytree(made[0], tmp_path / "mlruns")
    store = Store.open(tmp_path / "mlruns")
    artifacts = local_path(store.find(made[1]).artifact_uri)
    assert artifacts is not None
    return store, made[1], artifacts / MODEL_FOLDER


def test_an_export_refuses_what_was_planted_and_leaves_the_earlier_one(
    copied: tuple[Store, str, Path], tmp_path: Path
) -> None:
    store, run_id, model = copied
    before = contents(model.parent / "export")
    for case in CASES:
        if case.name in {"custom-generate", "pickle-beside", "adapter", "chat-template-files"}:
            case.plant(model, tmp_path / "marker")
    processor = '{"auto_map": {"AutoProcessor": "evil.Evil"}, "processor_class": "Evil"}'
    (model / "preprocessor_config.json").write_text(processor)
    with pytest.raises(UserError, match=r"model/\S+ \(a f\w+\) is none of its files"):
        export_run(run_named(store, run_id))
    assert not (tmp_path / "marker").exists()
    assert contents(model.parent / "export") == before


def test_an_export_has_these_files_and_names_no_private_folder(copied: tuple[Store, str, Path]) -> None:
    store, run_id, model = copied
    export_run(run_named(store, run_id))
    exported = {path.name for path in (model.parent / "export" / "int8").iterdir()}
    assert exported == {
        "config.json",
        "golden.json",
        "merges.txt",
        "model.onnx",
        "special_tokens_map.json",
        "tokenizer.json",
        "tokenizer_config.json",
        "vocab.json",
    }
    assert "encore-model" not in "".join(
        path.read_text()
        for path in (model.parent / "export").rglob("*.json")
        if path.name != "tokenizer.json"
    )
