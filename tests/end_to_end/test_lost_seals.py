"""A run that was recorded with a manifest does not pass for one of before by losing its seal."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from cli.main import app
from runs.files import run_named
from runs.verify import verify
from tests.end_to_end.prepared import Prepared, encore
from tracking.entities import Experiment
from tracking.manifest import MANIFEST_FILE, MANIFEST_NEXT, MANIFEST_SEAL
from tracking.store import Store

LOST = "has lost its seal"
GONE = {
    "the seal": (MANIFEST_SEAL,),
    "the seal and the file": (MANIFEST_SEAL, MANIFEST_FILE),
    "both tags": (MANIFEST_SEAL, MANIFEST_NEXT),
    "all of it": (MANIFEST_SEAL, MANIFEST_NEXT, MANIFEST_FILE),
}


def _taken(store: Prepared, run: str, gone: tuple[str, ...]) -> None:
    for what in gone:
        if what == MANIFEST_FILE:
            (store.folder(run) / what).unlink()
        else:
            store.sql("DELETE FROM tags WHERE key = ? AND run_uuid = ?", what, store.runs[run])


@pytest.mark.slow
@pytest.mark.parametrize("gone", GONE.values(), ids=GONE)
@pytest.mark.parametrize("run", ["classifier", "language model", "fork", "stories"])
def test_verify_names_what_was_taken_away(
    whole: Prepared, tmp_path: Path, run: str, gone: tuple[str, ...]
) -> None:
    copied = whole.copied(tmp_path / "mlruns")
    _taken(copied, run, gone)
    told = CliRunner().invoke(app, ["verify", copied.runs[run], "--root", str(copied.root)])
    assert told.exit_code == 1
    assert LOST in " ".join(told.stdout.split())
    assert "before manifests" not in told.stderr


@pytest.mark.slow
@pytest.mark.parametrize("gone", GONE.values(), ids=GONE)
def test_no_verb_takes_a_model_whose_manifest_has_no_seal(
    whole: Prepared, tmp_path: Path, gone: tuple[str, ...]
) -> None:
    copied = whole.copied(tmp_path / "mlruns")
    for run in ("language model", "classifier", "killed"):
        _taken(copied, run, gone)
    planted = copied.folder("language model") / "model" / "custom_generate" / "generate.py"
    planted.parent.mkdir()
    planted.write_text("")
    verbs = {"generate": "language model", "export": "classifier", "resume": "killed"}
    for verb, run in verbs.items():
        code, said = encore(copied.root, verb, copied.runs[run])
        assert code == 2
        assert LOST in said
    code, said = encore(copied.root, "fork", f"{copied.runs['classifier']}@best", "train.max_steps=32")
    assert code == 2
    assert LOST in said


@pytest.mark.parametrize("gone", list(GONE.values())[:3], ids=list(GONE)[:3])
def test_a_sweeps_own_run_that_lost_it(store: Store, gone: tuple[str, ...]) -> None:
    log = store.start_run(
        experiment=Experiment("demo", "loss"),
        name="sweep",
        params={},
        description="",
        tags={"encore.kind": "sweep"},
    )
    log.log_json({}, "sweep/sweep.json")
    log.finish("FINISHED")
    assert all(check.holds for check in verify(run_named(store, log.run_id)))
    _taken(Prepared(store.root, {"sweep": log.run_id}), "sweep", gone)
    broken = [check for check in verify(run_named(store, log.run_id)) if not check.holds]
    assert [(check.file, LOST in check.found) for check in broken] == [(MANIFEST_FILE, True)]


def test_provenance_that_was_altered_to_say_less_is_named(whole: Prepared, tmp_path: Path) -> None:
    copied = whole.copied(tmp_path / "mlruns")
    _taken(copied, "classifier", GONE["all of it"])
    file = copied.folder("classifier") / "run" / "provenance.json"
    file.write_text(file.read_text().replace('"record_format": 3', '"record_format": 1'))
    store = Store.open(copied.root)
    broken = {check.file for check in verify(run_named(store, copied.runs["classifier"])) if not check.holds}
    assert broken == {"run/provenance.json"}
