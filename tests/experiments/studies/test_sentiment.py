"""A study of sentiment: each text labelled alone, by a run's model or its export."""

from __future__ import annotations

import json
import math
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from datamodules.cut import TextLimit
from errors import UserError
from experiments.studies.kinds import prepared
from experiments.studies.replay import replay
from experiments.studies.sentiment import KIND, Answer, SentimentRequest
from experiments.studies.study import Studied, study
from experiments.training.train import train
from export.session import OnnxModel
from export.text_ids import TextIds
from host.progress import SILENT
from runs.files import RunFiles, run_named
from runs.layout import STUDY_FINDINGS, STUDY_PAGE, STUDY_PICTURES
from schema.validation import parse
from tests.processes import inside
from tests.tiny import ANY_EXPORT, small_classifier
from tracking.store import Store

TEXTS = ["a fine film", "dull", "not a fine film, and <b>dull</b>", "dull " * 200, "a fine film"]


@pytest.fixture(scope="module")
def run(migrated: Path, tmp_path_factory: pytest.TempPathFactory) -> RunFiles:
    root = tmp_path_factory.mktemp("sentiment") / "mlruns"
    root.mkdir()
    shutil.copy(migrated, root / "mlflow.db")
    store = Store.open(root)
    return run_named(store, train(small_classifier(*ANY_EXPORT), store).run_id)


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    found = tmp_path_factory.mktemp("texts") / "texts.txt"
    found.write_text("\n".join(TEXTS))
    return found


def studied(run: RunFiles, **given: Any) -> tuple[Studied, list[Answer]]:
    told: list[Answer] = []
    request = SentimentRequest(run=run.record.run_id, **given)
    found = prepared(KIND, request, root=run.store.root, reporter=SILENT, on_answer=told.append)
    return study(found, run.store, again=True, reporter=SILENT), told


@pytest.mark.slow
@pytest.mark.parametrize("variant", ["torch", "fp32", "int8"])
def test_each_text_of_a_file_has_the_answer_that_it_has_alone(
    run: RunFiles, file: Path, variant: str
) -> None:
    found, told = studied(run, path=str(file), variant=variant)
    answers = found.content["answers"]
    assert [answer["text"] for answer in answers] == [text.strip() for text in TEXTS]
    assert [answer.text for answer in told] == [answer["text"] for answer in answers]
    for answer in answers:
        [alone] = studied(run, text=answer["text"], variant=variant)[0].content["answers"]
        assert alone == answer
    assert [answer["cut"] for answer in answers] == [False, False, False, True, False]
    assert answers[0] == answers[4]


def test_probability_and_margin_are_of_the_models_logits(run: RunFiles) -> None:
    model = OnnxModel(run.path("export/int8"), threads=1)
    reader = TextIds(run.path("model"), limit=TextLimit(32))
    [answer] = studied(run, text="dull", variant="int8")[0].content["answers"]
    logits = model.logits(np.array([reader.of("dull").ids]))[0].tolist()
    best, other = max(logits), min(logits)
    assert answer["margin"] == best - other
    assert answer["probability"] == pytest.approx(1 / (1 + math.exp(other - best)), rel=1e-12)
    assert answer["label"] == ("negative", "positive")[logits.index(best)]


def test_it_is_made_again_and_its_page_shows_texts_as_texts(run: RunFiles, file: Path) -> None:
    found, _ = studied(run, path=str(file), variant="int8")
    assert "<b>dull" not in found.run.path(STUDY_PAGE).read_text()
    assert found.run.path(f"{STUDY_PICTURES}/margins.png").read_bytes().startswith(b"\x89PNG")
    assert replay(found.run).same
    assert found.run.record.metrics["study/texts"] == len(TEXTS)


def test_another_file_or_other_labels_make_another_study(run: RunFiles, tmp_path: Path) -> None:
    model, file, store = tmp_path / "model", tmp_path / "a.txt", run.store
    shutil.copytree(run.path("model"), model)
    file.write_text("dull")

    def found() -> Studied:
        request = SentimentRequest(model=str(model), path=str(file))
        prepared_now = prepared(KIND, request, root=store.root, reporter=SILENT)
        return study(prepared_now, store, again=False, reporter=SILENT)

    first = found()
    assert (first.reused, found().reused) == (False, True)
    config = json.loads((model / "config.json").read_text())
    names = {number: f"très [{number}]" for number in config["id2label"]}
    (model / "config.json").write_text(json.dumps({**config, "id2label": names}))
    named = found()
    assert not named.reused
    assert named.content["answers"][0]["label"].startswith("très [")
    file.write_text("fine")
    assert not found().reused


def test_a_folders_model_reads_no_more_than_it_has_positions_for(run: RunFiles) -> None:
    request = SentimentRequest(model=str(run.path("model")), text="dull " * 600)
    found = prepared(KIND, request, root=run.store.root, reporter=SILENT)
    [answer] = study(found, run.store, again=False, reporter=SILENT).content["answers"]
    assert answer["cut"]


def test_bits_depend_on_no_number_of_threads(
    run: RunFiles, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = []
    for threads in (1, 3):
        monkeypatch.setattr("experiments.studies.labeller.usable_cores", lambda count=threads: count)
        found.append(studied(run, path=str(file))[0].content)
    assert found[0] == found[1]


def test_what_was_altered_is_neither_taken_nor_called_the_same(run: RunFiles) -> None:
    request = SentimentRequest(run=run.record.run_id, text="altered later", variant="int8")

    def found(*, again: bool) -> Studied:
        return study(
            prepared(KIND, request, root=run.store.root, reporter=SILENT),
            run.store,
            again=again,
            reporter=SILENT,
        )

    first = found(again=True).run
    findings = first.path(STUDY_FINDINGS)
    findings.write_text(findings.read_text().replace("altered", "ALTERED"))
    with pytest.raises(UserError, match="findings"):
        replay(run_named(run.store, first.record.run_id))
    assert inside("show", first.record.run_id, "--root", run.store.root).returncode == 2
    assert found(again=False).run.record.run_id != first.record.run_id


def test_the_command_prints_a_line_for_each_text_and_takes_the_newest_classifier(
    run: RunFiles, file: Path
) -> None:
    done = inside("study", "sentiment", file, "--variant", "int8", "--root", run.store.root)
    assert done.returncode == 0, done.stderr
    assert run.record.run_id[:8] in done.stderr
    lines = done.stdout.splitlines()
    assert [line.split(maxsplit=3)[3] for line in lines[1:4]] == TEXTS[:3]
    assert lines[4].endswith("(cut)")
    again = inside("study", "sentiment", file, "--variant", "int8", "--root", run.store.root)
    assert again.stdout.splitlines()[:6] == lines[:6]
    assert "before" in again.stderr


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["  "], "all spaces"),
        (["/nowhere/texts.csv"], "no such file"),
        (["a", "--column", "b"], "--column"),
        (["a", "--run", "ffffffff"], "ffffffff"),
        (["a", "--model", "./nowhere"], "no such folder"),
        (["a", "--model", "./nowhere", "--run", "abc"], "--model"),
        (["a", "--model", "./nowhere", "--variant", "int8"], "variant"),
        (["a", "--variant", "int4"], "Export it first"),
        (["a", "--variant", "int9"], "int9"),
    ],
)
def test_what_cannot_be_labelled_is_one_line(run: RunFiles, arguments: list[str], told: str) -> None:
    done = inside("study", "sentiment", *arguments, "--root", run.store.root)
    assert (done.returncode, done.stdout) == (2, "")
    assert told in done.stderr.splitlines()[-1]


def test_a_request_is_of_one_text_by_one_model() -> None:
    for given in ({"run": "a" * 32}, {"text": "a", "path": "b.txt", "run": "a"}, {"text": "a"}):
        with pytest.raises(UserError):
            parse(SentimentRequest, given, where="here")
