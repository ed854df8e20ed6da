"""Whatever a library raises over something from outside is one line that names the place; nothing is half-written."""

from __future__ import annotations

import json
import re
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

import pandas as pd
import pytest

from cli.main import app
from cli.options import ended
from tests.end_to_end.boundaries import (
    BEGINNING,
    CLASSIFY,
    EXPORT,
    STORE,
    STORIES,
    SWEEP,
    SWEEPING,
    TRAINING,
    Place,
)
from tracking.entities import Experiment
from tracking.store import Store

_PROGRESS = re.compile(
    r"^(data: .*|.*: run \w{8}, [\d,]+ steps|note: .*|\w+ (?:trial \d+  )?\w{8}  .*|.* by run \w{8} .*"
    r"|Ctrl-C ends it\.|The champion of .*)$"
)


@dataclass(frozen=True)
class Prepared:
    """A root with runs in it, and what of them a verb's words can name."""

    root: Path
    names: dict[str, str]


def encore(*words: str, root: Path) -> int:
    return ended(lambda: app([*words, "--root", str(root)], standalone_mode=False), None)


def _folders(folder: Path) -> dict[str, str]:
    """Two folders of reviews, in different formats."""
    rows = pd.DataFrame({"sentence": [f"film number {i}" for i in range(60)], "label": [0, 1] * 30})
    for kind in ("jsonl", "parquet"):
        (folder / kind).mkdir(parents=True)
    for split in ("train", "validation"):
        rows.to_json(folder / "jsonl" / f"{split}.jsonl", orient="records", lines=True)
        rows.to_parquet(folder / "parquet" / f"{split}.parquet")
    return {kind: str(folder / kind) for kind in ("jsonl", "parquet")}


@pytest.fixture(scope="session")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    folder = tmp_path_factory.mktemp("files")
    (folder / "sweep.yaml").write_text(SWEEP)
    return {"sweep": str(folder / "sweep.yaml"), "port": "5987", **_folders(folder)}


@pytest.fixture(scope="session")
def prepared(migrated: Path, files: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Prepared:
    """A classifier and a language model with their exports, and a finished sweep."""
    root = tmp_path_factory.mktemp("prepared") / "mlruns"
    root.mkdir()
    shutil.copy(migrated, root / "mlflow.db")
    for words in (CLASSIFY, STORIES, ["sweep", files["sweep"]]):
        assert encore(*words, root=root) == 0
    store = Store.open(root)
    by_kind = {run.experiment: run for run in store.runs(tags={"encore.kind": "run"})}
    first, second = store.runs(tags={"encore.trial": "0"})[0], store.runs(tags={"encore.trial": "1"})[0]
    names = {
        "classifier": by_kind["demo_reviews"].run_id,
        "stories": by_kind["demo_stories"].run_id,
        "first": first.run_id,
        "second": second.run_id,
        "model": str(store.artifact(by_kind["demo_reviews"], "model")),
    }
    return Prepared(root, files | names)


def _boom(*_: object, **__: object) -> NoReturn:
    """Bare, as no list of types would have it."""
    raise Exception("boom")


def _told(code: int, place: Place, shown: str, progress: str) -> None:
    """One line that names the place and where the traceback is; or a note, where the command goes on."""
    if place.left == "goes on":
        assert code == 0, progress
        return
    assert code == 2, progress
    lines = [line for line in progress.splitlines() if line.strip() and not _PROGRESS.match(line.strip())]
    assert len(lines) == 1, progress
    assert re.search(place.named, lines[0]), lines[0]
    assert "Traceback (" not in shown + progress
    debug = re.search(r"Its traceback is in (/.+\.txt)\.$", lines[0])
    if "does not answer" not in lines[0] and "cannot listen" not in lines[0]:
        assert debug is not None, lines[0]
        assert "Exception: boom" in Path(debug[1]).read_text()


def _left(place: Place, root: Path, before: set[str], shown: str) -> None:
    """What is in the store, once the library works again."""
    assert not [path for path in root.rglob("*") if "partial" in path.name]
    store = Store.open(root)
    runs = store.runs()
    assert all(run.status != "RUNNING" for run in runs)
    new = [run for run in runs if run.run_id not in before]
    if place.left == "failed":
        assert [run.status for run in new] == ["FAILED"]
    if place.left == "finished":
        assert [run.status for run in new] == ["FINISHED"]
        assert json.loads(store.artifact(new[0], "run/result.json").read_text())["status"] == "finished"
    if place.left.startswith("nothing"):
        assert new == []
    if place.left == "goes on":
        tags = [run.tags.get("encore.unsampled", "") for run in new]
        assert re.search(place.named, " ".join([shown, *tags]))


def _check(
    place: Place,
    root: Path,
    names: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    before = {run.run_id for run in Store.open(root).runs()}
    verb, *given = place.verb
    words = [word.format(root=root, **names) for word in given]
    if words and "://" in words[0]:
        monkeypatch.setenv("MLFLOW_TRACKING_URI", words.pop(0))
    capsys.readouterr()
    with monkeypatch.context() as patched:
        if "HfApi" in place.library:
            patched.setattr("datamodules.hub.hub_reachable", lambda: True)
        patched.setattr(place.library, _boom)
        code = encore(verb, *words, root=root)
    shown, progress = capsys.readouterr()
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    _told(code, place, shown, progress)
    _left(place, root, before, shown)


@pytest.mark.parametrize("place", STORE, ids=str)
def test_a_store_a_hub_and_the_ui(
    place: Place,
    root: Path,
    files: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    if place.verb[0] == "ui":  # it opens on what there is
        Store.open(root).start_run(
            experiment=Experiment("demo", "loss"), name="one", params={}, tags={}, description=""
        ).finish("FINISHED")
    _check(place, root, files, monkeypatch, capsys)


@pytest.mark.slow
@pytest.mark.parametrize("place", [*BEGINNING, *TRAINING, *EXPORT, *SWEEPING], ids=str)
def test_a_run_an_export_and_a_sweep(
    place: Place,
    prepared: Prepared,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    root = tmp_path / "mlruns"
    shutil.copytree(prepared.root, root)
    if "train_from_iterator" in place.library:
        shutil.rmtree(root / "cache")
    _check(place, root, prepared.names, monkeypatch, capsys)


def test_more_than_forty_places_are_tried() -> None:
    places = [*STORE, *BEGINNING, *TRAINING, *EXPORT, *SWEEPING]
    assert len({(place.library, *place.verb) for place in places}) > 40
