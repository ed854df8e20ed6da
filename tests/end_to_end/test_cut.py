"""Texts that are cut from both ends, from the rows that are trained on to the answers of a server."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from datamodules.cut import TextLimit
from datamodules.tokenized import TokenizedData
from errors import UserError
from experiments.loading import load_experiment
from experiments.studies.attention_model import AttentionModel
from experiments.studies.labeller import of_run
from experiments.studies.models import model_of_run
from experiments.training.inputs import data_of_run, recorded_config
from experiments.training.parents import parents_of
from experiments.training.recipe import recipe_id
from experiments.training.teaching import _tokens
from experiments.training.train import train
from export.text_ids import TextIds
from runs.bundling import bundle_of
from runs.environment import recorded_environment
from runs.files import RunFiles, run_named
from runs.served import served_model
from serving.bundle import read_bundle
from serving.service import service_of
from tests.tiny import ANY_EXPORT, small_classifier
from tracking.store import Store

LIMIT = TextLimit(16, "head_tail")


@pytest.fixture(scope="module")
def run(migrated: Path, tmp_path_factory: pytest.TempPathFactory) -> RunFiles:
    root = tmp_path_factory.mktemp("cut") / "mlruns"
    root.mkdir()
    shutil.copy(migrated, root / "mlflow.db")
    store = Store.open(root)
    asked = ["data.max_tokens=16", "data.cut=head_tail"]
    return run_named(store, train(small_classifier(*ANY_EXPORT, *asked), store).run_id)


@pytest.fixture(scope="module")
def data(run: RunFiles) -> TokenizedData:
    return data_of_run(run, recorded_config(run))


def ids_of_test_rows(data: TokenizedData) -> list[list[int]]:
    return [data.tables["test"].sequence(row).tolist() for row in range(len(data.tables["test"]))]


def test_a_run_reads_both_ends_of_a_text(data: TokenizedData) -> None:
    texts = data.rows["test"].texts
    whole = list(data.encoded(texts))
    assert sum(len(ids) > LIMIT.max_tokens for ids in whole) > 100
    for ids, kept in zip(whole, ids_of_test_rows(data), strict=True):
        assert kept == (ids if len(ids) <= 16 else ids[:5] + ids[-11:])


def test_its_bundle_its_server_and_a_study_cut_as_its_training_did(
    run: RunFiles, data: TokenizedData, tmp_path: Path
) -> None:
    about = bundle_of(run, "int8", tmp_path / "bundle")
    assert about.limit == LIMIT
    golden = json.loads((tmp_path / "bundle" / "golden.json").read_text())
    assert (golden["max_tokens"], golden["cut"]) == (16, "head_tail")
    service = service_of(read_bundle(tmp_path / "bundle"), threads=1, mode="refuse")
    texts, trained_on = list(data.rows["test"].texts), ids_of_test_rows(data)
    readers = [service.reader, of_run(run, "int8").reader, of_run(run, "torch").reader]
    readers += [TextIds(run.path("model"), limit=LIMIT)]
    for reader in readers:
        found = reader.of_all(texts)
        assert [ids.ids for ids in found] == trained_on
        whole = list(data.encoded(texts))
        assert [ids.cut for ids in found] == [len(ids) > 16 for ids in whole]
        assert reader.of(texts[0]) == found[0]
    assert served_model(run).options == {"threads": 0, "max_tokens": 16, "cut": "head_tail"}
    assert "a quarter of them its first" in (tmp_path / "bundle" / "README.md").read_text()


def test_a_teacher_and_a_study_of_attention_read_as_its_training_did(
    run: RunFiles, data: TokenizedData
) -> None:
    texts, trained_on = list(data.rows["test"].texts), ids_of_test_rows(data)
    teacher = parents_of(small_classifier(f"train.teacher={run.record.run_id}"), run.store).teacher
    assert teacher is not None
    assert list(_tokens(teacher, texts)) == trained_on
    model = AttentionModel(model_of_run(run), max_tokens=64)
    longest = max(range(len(texts)), key=lambda row: len(texts[row]))
    read = model.read(texts[longest])
    assert list(read.ids) == trained_on[longest]
    assert read.left_out > 0
    assert read.spans[4][1] < read.spans[5][0] - 1  # what was left out lies between its ends
    whole = AttentionModel(model_of_run(run), max_tokens=8).read(texts[longest])
    assert list(whole.ids) == [*trained_on[longest][:3], *trained_on[longest][-5:]]


def test_a_bundle_that_says_another_cut_than_its_golden_answers_is_refused(
    run: RunFiles, tmp_path: Path
) -> None:
    bundle_of(run, "int8", tmp_path / "bundle")
    file = tmp_path / "bundle" / "bundle.json"
    content = json.loads(file.read_text())
    file.write_text(json.dumps(content | {"cut": "tail"}))
    with pytest.raises(UserError, match="is of another variant"):
        read_bundle(tmp_path / "bundle")


def test_the_first_tokens_are_what_was_kept_before_and_another_end_is_another_recipe(run: RunFiles) -> None:
    provenance: Any = type("P", (), {"code": type("C", (), {"files": {}}), "lock_digest": "lock"})
    ran = {"threads": "1", "device": "cpu"}
    recipes = [
        recipe_id(load_experiment("demo_reviews", given), {"train": "rows"}, provenance, ran)
        for given in ([], ["data.cut=head"], ["data.cut=tail"], ["data.cut=head_tail"])
    ]
    assert recipes[0] == recipes[1]
    assert len(set(recipes)) == 3
    assert recorded_environment(run).config["data.cut"] == "head_tail"
