"""What a run says of its rows when it begins, keeps in its record, and shows again."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pandas as pd
import pytest
from rich.console import Console

from cli.main import app as cli_app
from errors import UserError
from experiments.config import ExperimentConfig
from experiments.training.origin import Hooks
from experiments.training.train import train
from host.terminal import TerminalReporter
from runs.data_record import recorded_data
from runs.files import RunFiles, run_named
from runs.layout import DATA_FILE
from runs.seals import check_record
from runs.verify import verify
from tests.strange_folders import edited, encoder
from tests.tiny import classifier, language
from tracking.entities import RunRecord
from tracking.store import Store

SHORT = ["train.max_steps=2", "train.validations=1"]


def begin(config: ExperimentConfig, store: Store) -> tuple[RunRecord, list[str]]:
    """The run of a config, and the lines that it said."""
    console = Console(file=io.StringIO(), width=80)
    record = store.find(train(config, store, hooks=Hooks(TerminalReporter(console))).run_id)
    assert isinstance(console.file, io.StringIO)
    return record, console.file.getvalue().splitlines()


def folder_of(path: Path, train_labels: list[int], official_labels: list[int]) -> Path:
    path.mkdir()
    for split, labels in (("train", train_labels), ("validation", official_labels)):
        rows = {"sentence": [f"film {split} {row}" for row in range(len(labels))], "label": labels}
        pd.DataFrame(rows).to_csv(path / f"{split}.csv", index=False)
    return path


def test_a_run_says_and_records_what_it_read_and_used(store: Store) -> None:
    record, lines = begin(classifier(*SHORT), store)
    assert "data: used: 160 rows to train on, 40 held out (val), 5,800 over data.train_examples" in "\n".join(
        lines
    )
    assert any(line.startswith("data: train: 6,000 rows of ") and "3,000 positive" in line for line in lines)
    assert not any(line.startswith("warning") for line in lines)
    run = RunFiles(store, record)
    kept = recorded_data(run)
    assert kept is not None
    found = kept.summary
    assert [(read.split, read.rows) for read in found.read] == [("train", 6000), ("validation", 1000)]
    assert [(split.split, split.rows) for split in found.used] == [
        ("train", 160),
        ("val", 40),
        ("test", 1000),
    ]
    assert found.left_out == {"too near to a held-out row": 0, "over data.train_examples": 5800}
    assert sum(found.used[0].label_counts.values()) == 160
    assert all(split.first and split.last for split in found.used)
    assert kept.fingerprints["tokens.train"] == record.tags["encore.ran.fingerprint.tokens.train"]
    assert all(check.holds for check in verify(RunFiles(store, record)))


def test_stories_are_told_without_labels(store: Store) -> None:
    record, lines = begin(language(*SHORT), store)
    assert any("rows of bundled:stories" in line and "positive" not in line for line in lines)
    found = recorded_data(RunFiles(store, record))
    assert found is not None
    assert all(not split.label_counts for split in found.summary.used)


@pytest.mark.parametrize("labels", [[1] * 40, [0] * 38 + [1, 1]])
def test_one_label_only_is_said_when_the_training_begins_and_stays_in_the_record(
    store: Store, tmp_path: Path, labels: list[int]
) -> None:
    folder = folder_of(tmp_path / "rows", labels, [0, 1] * 10)
    sizes = ["data.train_examples=none", "data.selection_examples=6", f"data.path={folder}"]
    record, lines = begin(classifier(*SHORT, *sizes), store)
    said = [line for line in lines if line.startswith("warning: ")]
    what = "train: all 34 rows are positive" if len(set(labels)) == 1 else "rows are positive"
    assert any(what in line for line in said)
    found = recorded_data(RunFiles(store, record))
    assert found is not None
    assert [f"warning: {warning}" for warning in found.summary.warnings] == said


def test_an_altered_record_of_the_rows_is_named_and_one_of_another_shape_is_one_line(store: Store) -> None:
    record, _ = begin(classifier(*SHORT), store)
    run = RunFiles(store, record)
    file = run.path(DATA_FILE)
    whole = file.read_text()
    file.write_text(whole.replace("6000", "6001", 1))
    assert {check.file for check in verify(RunFiles(store, record)) if not check.holds} == {DATA_FILE}
    with pytest.raises(UserError, match=r"run/data\.json is not what was recorded"):
        check_record(run)
    for content in (
        "[]",
        "{}",
        '{"summary": []}',
        json.dumps({"summary": {**json.loads(whole)["summary"], "read": 3}}),
    ):
        file.write_text(content)
        with pytest.raises(UserError, match=r"run/data\.json is not of the shape") as caught:
            recorded_data(run)
        assert len(str(caught.value)) < 500
    file.unlink()
    assert recorded_data(run) is None


def test_a_fingerprint_that_was_altered_in_the_tracking_store_is_named(store: Store) -> None:
    record, _ = begin(classifier(*SHORT), store)
    log = store.attach(record.run_id)
    log.set_tags({"encore.ran.fingerprint.tokens.train": "0" * 64})
    log.close()
    (broken,) = [check for check in verify(run_named(store, record.run_id)) if not check.holds]
    assert broken.what == "fingerprint of tokens.train"
    assert broken.found == "0" * 64


@pytest.mark.slow
def test_what_is_left_out_of_a_model_folder_stays_in_each_runs_record(
    store: Store, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    folder = encoder(tmp_path / "model", labels=5)
    (folder / "pytorch_model.bin").write_bytes(b"\x80\x04N.")
    edited(folder, "tokenizer_config.json", chat_template="{{ messages }}", extra_special_tokens=["[NEW]"])
    edited(folder, "config.json", made_by="a stranger")
    config = classifier(*SHORT, f"model.pretrained={folder}", "data.max_tokens=32")
    capfd.readouterr()
    record, _ = begin(config, store)
    said = [
        line.removeprefix("encore: ") for line in capfd.readouterr().err.splitlines() if str(folder) in line
    ]
    run = RunFiles(store, record)
    kept = recorded_data(run)
    assert kept is not None
    assert sorted(kept.notices) == sorted(said)
    for what in ("pytorch_model.bin", "chat templates", "[NEW]", "made_by", "its head has 5 labels"):
        assert sum(what in notice for notice in kept.notices) == 1, what
    again, _ = begin(config, store)  # it is not said twice in a process
    second = recorded_data(RunFiles(store, again))
    assert second is not None
    assert second.notices == kept.notices
    assert str(folder) not in capfd.readouterr().err
    assert cli_app(["show", record.run_id, "--root", str(store.root)], standalone_mode=False) == 0
    assert "left out: " in capfd.readouterr().out
    assert cli_app(["show", record.run_id, "--json", "--root", str(store.root)], standalone_mode=False) == 0
    assert json.loads(capfd.readouterr().out)["notices"] == kept.notices
    assert all(check.holds for check in verify(RunFiles(store, record)))
    file = run.path(DATA_FILE)
    file.write_text(file.read_text().replace("chat templates", "no templates"))
    assert {check.file for check in verify(RunFiles(store, record)) if not check.holds} == {DATA_FILE}


def test_a_record_of_rows_from_before_notices_were_kept_is_read(store: Store) -> None:
    record, _ = begin(classifier(*SHORT), store)
    run = RunFiles(store, record)
    content = run.json(DATA_FILE)
    assert content.pop("notices") == []
    run.path(DATA_FILE).write_text(json.dumps(content))
    found = recorded_data(run)
    assert found is not None
    assert found.notices == []
