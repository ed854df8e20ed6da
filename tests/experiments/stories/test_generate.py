"""Stories of a finished run: logged, listed, written again by their number."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from mlflow.tracking import MlflowClient

from errors import UserError
from experiments.loading import load_experiment
from experiments.reproduction.reproduce import reproduce
from experiments.reproduction.resume import resume
from experiments.stories.generate import generate, trained_writer
from experiments.stories.rewrite import replay
from experiments.training.exporting import export_run
from experiments.training.train import train
from export.variants import VariantName
from generation.options import DecodingConfig
from runs.files import RunFiles, run_named
from runs.layout import REQUEST_FILE, STORIES_TABLE
from runs.verify import verify
from tests.overrides import latest
from tests.tiny import REPEATED_CLASSIFIER, REPEATED_LANGUAGE
from tracking.store import Store

PROMPTS = ["Once upon a time", "One day", "", "Tom and", "The", "A small", "Mia", "In the", "There was", "So"]


@pytest.fixture(scope="module")
def made(migrated: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str, str]:
    """A store with a finished language model and a finished classifier."""
    folder = tmp_path_factory.mktemp("told") / "mlruns"
    folder.mkdir()
    shutil.copy(migrated, folder / "mlflow.db")
    store = Store.open(folder)
    told = train(
        load_experiment("demo_stories", latest([*REPEATED_LANGUAGE, "samples.decoding.max_length=20"])), store
    )
    labelled = train(
        load_experiment("demo_reviews", latest([*REPEATED_CLASSIFIER, "export.when=never"])), store
    )
    return folder, told.run_id, labelled.run_id


@pytest.fixture
def copied(made: tuple[Path, str, str], tmp_path: Path) -> tuple[Store, str, str]:
    shutil.copytree(made[0], tmp_path / "mlruns")
    return Store.open(tmp_path / "mlruns"), made[1], made[2]


def told(store: Store, run_id: str, variant: VariantName = "torch") -> str:
    source = trained_writer(run_named(store, run_id), variant, threads=1)
    return generate(source, PROMPTS, DecodingConfig(max_length=24, seed=3), batch_size=4).run_id


@pytest.mark.parametrize("variant", ["torch", "fp32", "int8"])
def test_every_logged_story_is_written_again(copied: tuple[Store, str, str], variant: VariantName) -> None:
    store, run_id, _ = copied
    stories = told(store, run_id, variant)
    record = store.find(stories)
    assert record.status == "FINISHED"
    assert record.tags["encore.stories_of"] == run_id
    assert record.params["decoding.seed"] == "3"
    table = store.artifact(record, STORIES_TABLE)
    assert json.loads(table.read_text())["columns"][:3] == ["number", "prompt", "story"]
    for number in (0, 3, 5, 9):
        found = replay(RunFiles(store, record), number)
        assert found.same
        assert found.logged.prompt == PROMPTS[number]


def test_mlflow_reads_the_table_as_one_of_its_own(
    copied: tuple[Store, str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    store, run_id, _ = copied
    monkeypatch.setenv("MLFLOW_TRACKING_URI", store.uri)  # half of `load_table` asks there
    stories = told(store, run_id)
    client = MlflowClient(store.uri)
    experiment = client.get_run(stories).info.experiment_id
    frame = client.load_table(experiment, STORIES_TABLE, [stories])
    assert list(frame["prompt"]) == PROMPTS
    samples = json.loads(store.artifact(store.find(run_id), "samples/stories.json").read_text())
    assert samples["columns"] == ["step", "prompt", "story", "tokens", "ended"]


def test_a_changed_story_is_not_the_same(copied: tuple[Store, str, str]) -> None:
    store, run_id, _ = copied
    record = store.find(told(store, run_id))
    table = store.artifact(record, STORIES_TABLE)
    content = json.loads(table.read_text())
    content["data"][2][2] += "x"
    table.write_text(json.dumps(content))
    assert not replay(RunFiles(store, record), 2).same
    assert replay(RunFiles(store, record), 1).same


@pytest.mark.slow
def test_weights_that_have_changed_do_not_write_a_story_again(copied: tuple[Store, str, str]) -> None:
    store, run_id, _ = copied
    record = store.find(told(store, run_id, "int8"))
    file = store.artifact(store.find(run_id), "export/int8/model.onnx")
    file.write_bytes(file.read_bytes() + b"\0")
    with pytest.raises(UserError, match=r"export/int8/model.onnx is not what wrote this story"):
        replay(RunFiles(store, record), 0)


@pytest.mark.parametrize(
    ("variant", "file"), [("torch", "model/tokenizer.json"), ("int8", "export/int8/model.onnx")]
)
def test_a_model_whose_files_have_changed_writes_nothing(
    copied: tuple[Store, str, str], variant: VariantName, file: str
) -> None:
    store, run_id, _ = copied
    path = store.artifact(store.find(run_id), file)
    path.write_bytes(path.read_bytes() + b"\n")
    count = len(store.runs())
    with pytest.raises(UserError, match=f"{file} is not what was recorded"):
        told(store, run_id, variant)
    assert len(store.runs()) == count


def test_what_holds_no_stories_or_no_model_says_so(copied: tuple[Store, str, str]) -> None:
    store, run_id, labelled = copied
    record = store.find(told(store, run_id))
    with pytest.raises(UserError, match=r"has no story 10. Its stories are numbered 0 to 9"):
        replay(RunFiles(store, record), 10)
    with pytest.raises(UserError, match="its samples are of weights that were not kept"):
        replay(run_named(store, run_id), 0)
    with pytest.raises(UserError, match="holds no stories that can be written again"):
        replay(run_named(store, labelled), 0)
    with pytest.raises(UserError, match="distilbert classifier, writes no stories"):
        trained_writer(run_named(store, labelled), "torch", threads=1)
    with pytest.raises(UserError, match="holds stories and trained nothing"):
        trained_writer(RunFiles(store, record), "torch", threads=1)
    for verb in (reproduce, resume, export_run):
        with pytest.raises(UserError, match="holds stories and trained nothing"):
            verb(RunFiles(store, record))
    assert {check.file for check in verify(RunFiles(store, record))} >= {REQUEST_FILE, STORIES_TABLE}
    assert all(check.holds for check in verify(RunFiles(store, record)))


def test_a_damaged_request_is_one_line(copied: tuple[Store, str, str]) -> None:
    store, run_id, _ = copied
    record = store.find(told(store, run_id))
    table = store.artifact(record, STORIES_TABLE)
    whole = table.read_text()
    table.write_text(json.dumps({"columns": ["number"], "data": [[0]]}))
    with pytest.raises(UserError, match=r"stories/stories.json is malformed"):
        replay(RunFiles(store, record), 0)
    table.write_text(whole)
    request = store.artifact(record, REQUEST_FILE)
    request.write_text(json.dumps({**json.loads(request.read_text()), "variant": "int2"}))
    with pytest.raises(UserError, match=r"stories/request.json: variant"):
        replay(RunFiles(store, record), 0)
    request.write_text(json.dumps({**json.loads(request.read_text()), "variant": "fp32"}))
    with pytest.raises(UserError, match=r"stories/request.json is not what was recorded"):
        replay(RunFiles(store, record), 0)


def test_a_model_that_was_not_exported_says_how_it_would_be(migrated: Path, tmp_path: Path) -> None:
    shutil.copy(migrated, tmp_path / "mlflow.db")
    store = Store.open(tmp_path)
    config = load_experiment(
        "demo_stories", latest([*REPEATED_LANGUAGE, "samples=none", "export.when=never"])
    )
    run = train(config, store)
    assert store.find_artifact(store.find(run.run_id), "samples") is None
    source = trained_writer(run_named(store, run.run_id), "int8", threads=1)
    with pytest.raises(
        UserError, match=f"has no int8 variant. Export it first: `encore export {run.run_id[:8]}`"
    ):
        source.writer()
