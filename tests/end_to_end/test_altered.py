"""What of a run's record is missing or altered is refused by the file, in one line, before anything is done."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from errors import UserError
from experiments.reproduction.diff import diff_runs
from experiments.reproduction.fork import fork
from experiments.reproduction.reproduce import check, reproduce
from experiments.reproduction.resume import resume
from experiments.training.exporting import export_run
from experiments.training.train import train
from host.files import entries, file_digest
from runs.checkpoint import records_digest
from runs.files import RunFiles, run_named
from runs.layout import (
    CONFIG_FILE,
    DIGESTS_FILE,
    KEPT_FILE,
    PATCH_FILE,
    PROVENANCE_FILE,
    RECORD_DIGESTS_FILE,
    RESULT_FILE,
    START_FILE,
    is_of_the_record,
    predictions_file,
)
from runs.verify import verify
from tests.killed import killed_at, newest
from tests.tiny import classifier
from tracking.artifacts import digests_of
from tracking.entities import RunRecord
from tracking.manifest import MANIFEST_FILE, MANIFEST_NEXT, MANIFEST_SEAL, manifest_text, seal_tag
from tracking.store import Store

Verb = Callable[[RunFiles], object]


def _diff(run: RunFiles) -> object:
    return diff_runs(run, run)


def _fork(run: RunFiles) -> object:
    return fork(run, "14", [])


@pytest.fixture(scope="module")
def made(migrated: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str, str]:
    """A store with a finished run and a fork of it."""
    folder = tmp_path_factory.mktemp("altered") / "mlruns"
    folder.mkdir()
    shutil.copy(migrated, folder / "mlflow.db")
    store = Store.open(folder)
    run = train(classifier("train.keep_checkpoint_every_steps=7"), store)
    return folder, run.run_id, fork(run_named(store, run.run_id), "14", []).run_id


@pytest.fixture
def copied(made: tuple[Path, str, str], tmp_path: Path) -> tuple[Store, RunRecord, RunRecord]:
    """A copy of it that a test may alter."""
    shutil.copytree(made[0], tmp_path / "mlruns")
    store = Store.open(tmp_path / "mlruns")
    return store, store.find(made[1]), store.find(made[2])


def _refused(store: Store, run: RunRecord, verb: Verb, message: str) -> None:
    count = len(store.runs())
    with pytest.raises(UserError, match=message):
        verb(RunFiles(store, run))
    assert store.find(run.run_id) == run
    assert len(store.runs()) == count


@pytest.mark.slow
@pytest.mark.parametrize("verb", [reproduce, check, _fork, _diff])
@pytest.mark.parametrize("content", [None, "{}", "[]"])
def test_a_record_whose_digests_are_gone_or_others(
    copied: tuple[Store, RunRecord, RunRecord], content: str | None, verb: Verb
) -> None:
    store, run, _ = copied
    file = store.artifact(run, MANIFEST_FILE)
    file.unlink()
    if content is not None:
        file.write_text(content)
    _refused(store, run, verb, f"{MANIFEST_FILE} is {'gone' if content is None else 'not what was recorded'}")
    assert MANIFEST_FILE in {found.file for found in verify(RunFiles(store, run)) if not found.holds}


@pytest.mark.slow
@pytest.mark.parametrize("verb", [reproduce, check, _fork, _diff])
@pytest.mark.parametrize(
    "file", [CONFIG_FILE, PROVENANCE_FILE, PATCH_FILE, "run/data.json", "run/rows/val.npy"]
)
def test_a_file_of_the_record_that_is_another_one(
    copied: tuple[Store, RunRecord, RunRecord], file: str, verb: Verb
) -> None:
    store, run, _ = copied
    path = store.artifact(run, file)
    path.write_bytes(path.read_bytes() + b" ")
    _refused(store, run, verb, f"{file} is not what was recorded")
    assert {found.file for found in verify(RunFiles(store, run)) if not found.holds} == {file}


@pytest.mark.parametrize("verb", [reproduce, check, _fork, _diff])
def test_digests_that_somebody_puts_there_do_not_stand_for_the_manifest(
    copied: tuple[Store, RunRecord, RunRecord], verb: Verb
) -> None:
    store, run, _ = copied
    config = store.artifact(run, CONFIG_FILE)
    config.write_text(config.read_text().replace('"seed": 0', '"seed": 1'))
    (config.parent / Path(RECORD_DIGESTS_FILE).name).write_text("{}")
    _refused(store, run, verb, f"{CONFIG_FILE} is not what was recorded")
    broken = {found.file for found in verify(RunFiles(store, run)) if not found.holds}
    assert broken >= {CONFIG_FILE, RECORD_DIGESTS_FILE}


@pytest.mark.parametrize("verb", [check, _fork, _diff, resume])
def test_a_killed_run_that_lost_the_seal_of_its_manifest_is_not_taken(
    copied: tuple[Store, RunRecord, RunRecord], verb: Verb
) -> None:
    store, run, _ = copied
    config = store.artifact(run, CONFIG_FILE)
    config.write_text(config.read_text().replace('"seed": 0', '"seed": 1'))
    store.client.set_terminated(run.run_id, "KILLED")
    for tag in (MANIFEST_SEAL, MANIFEST_NEXT):
        store.client.delete_tag(run.run_id, tag)
    _refused(store, store.find(run.run_id), verb, "has lost its seal")


def test_another_checkpoint_in_the_place_of_one_is_not_forked(
    copied: tuple[Store, RunRecord, RunRecord],
) -> None:
    store, run, _ = copied
    file = store.artifact(run, "checkpoints/step-14.ckpt")
    file.unlink()  # one file with the start of a fork
    shutil.copy(store.artifact(run, "checkpoints/step-7.ckpt"), file)
    _refused(store, run, _fork, r"checkpoints/step-14\.ckpt is not what was recorded")


def test_a_checkpoint_that_the_run_did_not_keep_is_not_forked(
    copied: tuple[Store, RunRecord, RunRecord],
) -> None:
    store, run, _ = copied
    file = store.artifact(run, "checkpoints/step-7.ckpt")
    shutil.copy(file, file.with_name("step-13.ckpt"))
    _refused(
        store,
        run,
        lambda run: fork(run, "13", []),
        r"step-13\.ckpt is none of its checkpoints",
    )
    assert [found.file for found in verify(RunFiles(store, run)) if not found.holds] == [
        "checkpoints/step-13.ckpt"
    ]


def _recorded_before_manifests(store: Store, run: RunRecord, *, kept: bool) -> RunRecord:
    """The run as an earlier version of Encore would have left it; the earliest kept no digests of its checkpoints."""
    folder = store.artifact(run, "run").parent
    if kept:
        files = {f"checkpoints/{file.name}": file for file in (folder / "checkpoints").iterdir()}
        digests = {path: records_digest(file) if file.suffix == ".ckpt" else file_digest(file)
                   for path, file in files.items()}  # fmt: skip
        digests |= {f"model/{file.name}": file_digest(file) for file in (folder / "model").iterdir()}
        (folder / KEPT_FILE).write_text(json.dumps(digests))
        store.client.set_tag(run.run_id, seal_tag(KEPT_FILE), file_digest(folder / KEPT_FILE))
    (folder / MANIFEST_FILE).unlink()
    for tag in (MANIFEST_SEAL, MANIFEST_NEXT):
        store.client.delete_tag(run.run_id, tag)
    _with_record_digests(store, run, record_format=None)
    return store.find(run.run_id)


def _with_record_digests(store: Store, run: RunRecord, *, record_format: int | None) -> None:
    """Its record in an earlier format, none: the first, with the file that had its digests."""
    folder = store.artifact(run, "run").parent
    provenance = json.loads((folder / PROVENANCE_FILE).read_text())
    del provenance["record_format"]
    told = {} if record_format is None else {"record_format": record_format}
    (folder / PROVENANCE_FILE).write_text(json.dumps(provenance | told))
    files = [*(folder / "run").glob("*.json"), folder / PATCH_FILE, *(folder / "run" / "rows").iterdir()]
    paths = [file.relative_to(folder).as_posix() for file in files]
    digests = {path: file_digest(folder / path) for path in paths if is_of_the_record(path)}
    (folder / RECORD_DIGESTS_FILE).write_text(json.dumps(digests))
    store.client.delete_tag(run.run_id, seal_tag(PROVENANCE_FILE))
    store.client.set_tag(run.run_id, seal_tag(RECORD_DIGESTS_FILE), file_digest(folder / RECORD_DIGESTS_FILE))


def _recorded_in_format_2(store: Store, run: RunRecord) -> RunRecord:
    """The run as an Encore would have left it that kept its record's digests beside the manifest."""
    _with_record_digests(store, run, record_format=2)
    folder = store.artifact(run, "run").parent
    found = {path: entry.path for path, entry in entries(folder).items() if entry.kind == "file"}
    manifest = found.pop(MANIFEST_FILE)
    manifest.write_text(manifest_text(digests_of(found)))
    for tag in (MANIFEST_NEXT, MANIFEST_SEAL):
        store.client.set_tag(run.run_id, tag, file_digest(manifest))
    return store.find(run.run_id)


def test_a_run_of_the_format_before_holds_and_is_refused_as_it_was(
    copied: tuple[Store, RunRecord, RunRecord],
) -> None:
    store, run, _ = copied
    run = _recorded_in_format_2(store, run)
    assert _broken(store, run) == []
    assert fork(RunFiles(store, run), "14", []).status == "finished"
    file = store.artifact(run, RECORD_DIGESTS_FILE)
    whole = file.read_text()
    file.write_text("{}")
    for verb in (reproduce, check, _fork, _diff):
        _refused(store, run, verb, f"{RECORD_DIGESTS_FILE} is not what was recorded")
    file.write_text(whole)
    patch = store.artifact(run, PATCH_FILE)
    patch.write_text("diff --git")
    for verb in (reproduce, check, _fork, _diff):
        _refused(store, run, verb, f"{PATCH_FILE} is not what was recorded")
    assert {check.file for check in verify(RunFiles(store, run)) if not check.holds} == {PATCH_FILE}


def _broken(store: Store, run: RunRecord) -> list[tuple[str, str]]:
    return [(check.file, check.found) for check in verify(RunFiles(store, run)) if not check.holds]


def test_damage_is_noticed_where_an_earlier_version_recorded_no_checkpoints(
    copied: tuple[Store, RunRecord, RunRecord],
) -> None:
    store, run, _ = copied
    run = _recorded_before_manifests(store, run, kept=False)
    assert _broken(store, run) == []
    file = store.artifact(run, "checkpoints/step-7.ckpt")
    file.unlink()
    file.write_bytes(b"PK")
    assert _broken(store, run) == [("checkpoints/step-7.ckpt", "damaged")]


def test_a_run_from_before_manifests_holds_as_before(copied: tuple[Store, RunRecord, RunRecord]) -> None:
    store, run, _ = copied
    run = _recorded_before_manifests(store, run, kept=True)
    assert _broken(store, run) == []
    folder = store.artifact(run, "model")
    (folder / "custom_generate").mkdir()
    (folder / "custom_generate" / "generate.py").write_text("")
    with pytest.raises(UserError, match=r"model/custom_generate.* is none of its files"):
        export_run(RunFiles(store, run))
    shutil.rmtree(folder / "custom_generate")
    assert fork(RunFiles(store, run), "14", []).status == "finished"
    (folder / "config.json").write_text("{}")
    shutil.copy(folder.parent / "checkpoints" / "step-7.ckpt", folder.parent / "checkpoints" / "step-3.ckpt")
    assert [file for file, _ in _broken(store, run)] == ["model/config.json", "checkpoints/step-3.ckpt"]
    with pytest.raises(UserError, match=r"step-3\.ckpt is none of its checkpoints"):
        fork(RunFiles(store, run), "3", [])


@pytest.mark.parametrize("alter", [Path.unlink, lambda file: file.write_text(file.read_text() + " ")])
def test_a_model_whose_files_are_others_is_not_exported(
    copied: tuple[Store, RunRecord, RunRecord], alter: Callable[[Path], object]
) -> None:
    store, run, _ = copied
    alter(store.artifact(run, "model/tokenizer_config.json"))
    _refused(store, run, export_run, r"model/tokenizer_config\.json")


def _better(result: dict[str, dict[str, float]]) -> None:
    result["metrics"]["test/accuracy"] = 0.999


def _fewer(digests: dict[str, str]) -> None:
    del digests["weights/last"]


@pytest.mark.parametrize("verb", [reproduce, _diff])
@pytest.mark.parametrize(("file", "alter"), [(RESULT_FILE, _better), (DIGESTS_FILE, _fewer)])
def test_an_altered_result(
    copied: tuple[Store, RunRecord, RunRecord], file: str, alter: Callable[[object], None], verb: Verb
) -> None:
    store, run, _ = copied
    path = store.artifact(run, file)
    content = json.loads(path.read_text())
    alter(content)
    path.write_text(json.dumps(content))
    _refused(store, run, verb, f"{file} is not what was recorded")
    assert file in {found.file for found in verify(RunFiles(store, run)) if not found.holds}


@pytest.mark.parametrize("verb", [reproduce, _diff])
@pytest.mark.parametrize(
    ("file", "content", "message"),
    [
        (RESULT_FILE, '{"metrics": [], "steps": 24, "status": "finished"}', r"is malformed \(metrics: "),
        (
            RESULT_FILE,
            '{"metrics": {"a": "b"}, "steps": 24, "status": "finished"}',
            r"is malformed \(metrics\.a: ",
        ),
        (RESULT_FILE, '{"metrics": {}, "steps": "x", "status": "finished"}', r"is malformed \(steps: "),
        (predictions_file("val"), "PAR1", "is no table"),
    ],
)
def test_a_result_that_cannot_be_read(
    copied: tuple[Store, RunRecord, RunRecord], file: str, content: str, message: str, verb: Verb
) -> None:
    store, run, _ = copied
    store.artifact(run, file).write_text(content)
    _refused(store, run, verb, f"{file} {message}")


def test_other_answers(copied: tuple[Store, RunRecord, RunRecord]) -> None:
    store, run, _ = copied
    answers = {split: store.artifact(run, predictions_file(split)) for split in ("val", "test")}
    shutil.copy(answers["test"], answers["val"])
    _refused(store, run, reproduce, "predictions/val/predictions.parquet is not what was recorded")


def test_circumstances_that_were_altered_are_not_compared(copied: tuple[Store, RunRecord, RunRecord]) -> None:
    store, run, _ = copied
    store.artifact(run, PATCH_FILE).write_text("another")
    _refused(store, run, _diff, f"{PATCH_FILE} is not what was recorded")


@pytest.mark.parametrize("verb", [reproduce, _diff])
def test_a_finished_run_whose_result_is_gone_is_not_to_be_resumed(
    copied: tuple[Store, RunRecord, RunRecord], verb: Verb
) -> None:
    store, run, _ = copied
    store.artifact(run, RESULT_FILE).unlink()
    _refused(store, run, verb, "It had one; restore the artifact")


def test_digests_that_are_gone_are_not_left_out_of_a_comparison(
    copied: tuple[Store, RunRecord, RunRecord],
) -> None:
    store, run, _ = copied
    store.artifact(run, DIGESTS_FILE).unlink()
    _refused(store, run, _diff, f"no artifact {DIGESTS_FILE}")


@pytest.mark.parametrize("verb", [reproduce, check])
def test_a_fork_without_its_start_is_not_played_from_the_first_step(
    copied: tuple[Store, RunRecord, RunRecord], verb: Verb
) -> None:
    store, _, forked = copied
    store.artifact(forked, START_FILE).unlink()
    _refused(store, forked, verb, f"{START_FILE} is gone. Restore it, or fork the old run once more")


def test_a_killed_fork_without_its_start_does_not_go_on(
    copied: tuple[Store, RunRecord, RunRecord],
) -> None:
    store, run, _ = copied
    with killed_at(8):
        fork(RunFiles(store, run), "14", [])
    killed = newest(store)
    store.artifact(killed, START_FILE).unlink()
    _refused(store, killed, resume, f"{START_FILE} is gone")


@pytest.mark.parametrize("again", [True, False])
def test_changed_rows_are_named_of_a_fork_too(
    copied: tuple[Store, RunRecord, RunRecord], monkeypatch: pytest.MonkeyPatch, *, again: bool
) -> None:
    """They change the tokenizer that is trained on them."""
    from datamodules.bundled.reviews import generate_reviews

    rows = generate_reviews()
    changed = [{**row, "sentence": f"quite {number} another"} for number, row in enumerate(rows["train"])]
    monkeypatch.setattr("datamodules.classification.generate_reviews", lambda: {**rows, "train": changed})
    store, run, forked = copied
    message = r"the rows of the split 'train' .* the first that differs is row 0, now 'quite \d+ another'"
    _refused(store, forked if again else run, reproduce if again else _fork, message)
