"""Paths, names and numbers of a database that somebody prepared: one line, and nothing outside of the store."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest

from tests.end_to_end.prepared import Prepared, encore
from tests.hostile import contents
from tracking.store import Store

Plant = Callable[[Prepared, Path], None]
"""(store, outside): `outside` is a folder of somebody else's, with an export and half a write in it."""


def _located(uri: str) -> Plant:
    """All runs have their files there; `{outside}`, `{root}` and `{run}` are filled in."""

    def plant(store: Prepared, outside: Path) -> None:
        for run in store.runs.values():
            place = uri.format(outside=outside, root=store.root, run=run)
            store.sql("UPDATE runs SET artifact_uri = ? WHERE run_uuid = ?", place, run)

    return plant


def _of_another_run(store: Prepared, outside: Path) -> None:
    place = store.folder("fork").as_uri()
    store.sql("UPDATE runs SET artifact_uri = ? WHERE run_uuid != ?", place, store.runs["fork"])


def _linked(name: str) -> Plant:
    """A link out of the store in the place of a folder of each run; "" is the folder of all its files."""

    def plant(store: Prepared, outside: Path) -> None:
        for run in store.runs:
            target = store.folder(run) / name if name else store.folder(run)
            if target.exists():
                target.rename(target.with_name("moved"))
            target.symlink_to(outside)

    return plant


def _odd_id(store: Prepared, outside: Path) -> None:
    for run in store.runs.values():
        store.sql("UPDATE runs SET run_uuid = ? WHERE run_uuid = ?", f"{run[:8]}/../../x", run)


LOCATIONS: dict[str, Plant] = {
    "a path outside": _located("{outside}"),
    "a file URI outside": _located("file://{outside}"),
    "a file URI of this host": _located("file://localhost{outside}"),
    "with dots": _located("file://{root}/artifacts/../../outside"),
    "with encoded dots": _located("file://{root}/artifacts/%2e%2e/%2e%2e/outside"),
    "a relative path": _located("../outside"),
    "nothing": _located(""),
    "the root": _located("file://{root}"),
    "the journal": _located("file://{root}/journal"),
    "another run": _of_another_run,
    "a NUL": _located("file://{root}/artifacts/%00"),
    "another host's file": _located("file://elsewhere{outside}"),
    "a web server": _located("http://127.0.0.1:9/artifacts"),
    "a server's artifacts": _located("mlflow-artifacts://127.0.0.1:9/1"),
    "a bucket": _located("s3://somebody/bucket"),
    "ftp": _located("ftp://127.0.0.1:9/x"),
    "another run by mlflow": _located("runs:/{run}/model"),
    "a link to the folder": _linked(""),
    "an odd ID": _odd_id,
}
LINKS: dict[str, tuple[Plant, tuple[str, ...]]] = {
    "model": (_linked("model"), ("export classifier", "generate language", "verify")),
    "checkpoints": (_linked("checkpoints"), ("fork classifier", "resume killed", "verify")),
    "export": (
        _linked("export"),
        ("export classifier", "generate-int8 language", "reproduce classifier", "verify"),
    ),
    "run": (_linked("run"), ("verify", "check classifier", "resume killed", "fork classifier", "story")),
    "stories": (_linked("stories"), ("story", "verify")),
    "predictions": (_linked("predictions"), ("diff", "reproduce classifier", "verify")),
}


@pytest.fixture
def store(whole: Prepared, tmp_path: Path) -> Prepared:
    copied = whole.copied(tmp_path / "mlruns")
    Store.open(copied.root)  # which moves in
    return copied


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    folder = tmp_path / "outside"
    for name in ("export/report.json", "export/mine.txt", ".x.partial-1/a", "model/config.json", "last.ckpt"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("{}")
    return folder


def _verbs(store: Prepared) -> dict[str, tuple[str, ...]]:
    run = {name: run[:8] for name, run in store.runs.items()}
    return {
        "show": ("show", run["classifier"]),
        "verify": ("verify", run["classifier"]),
        "diff": ("diff", run["classifier"], run["fork"]),
        "check": ("reproduce", run["classifier"], "--check"),
        "reproduce": ("reproduce", run["classifier"]),
        "resume": ("resume", run["killed"]),
        "fork": ("fork", f"{run['classifier']}@best", "train.max_steps=12"),
        "export": ("export", run["classifier"]),
        "generate": ("generate", run["language model"]),
        "generate-int8": ("generate", run["language model"], "--variant", "int8"),
        "story": ("story", f"{run['stories']}#0"),
        "sweep": ("sweep", "tinystories_decoding", f"run={run['language model']}", "budget.trials=1"),
    }


def _one_line(told: str) -> bool:
    lines = told.strip().splitlines()
    return len(lines) == 1 and lines[0].startswith("encore: ") and len(lines[0]) <= 700


_QUICK = {"a file URI outside", "with encoded dots", "another run", "a link to the folder", "a web server"}


def _some_slow(names: Iterable[str], quick: set[str]) -> list[Any]:
    return [pytest.param(name, marks=[] if name in quick else pytest.mark.slow) for name in names]


@pytest.mark.parametrize("place", _some_slow(LOCATIONS, _QUICK))
def test_files_said_to_lie_elsewhere_are_neither_read_nor_written(
    store: Prepared, outside: Path, place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(store.root)
    LOCATIONS[place](store, outside)
    _abandoned_journals(store)
    before = contents(outside)
    for name, arguments in _verbs(store).items():
        code, told = encore(store.root, *arguments)
        assert code == 2, (name, code, told)
        assert _one_line(told), (name, told)
    code, told = encore(store.root, "runs")
    assert code in {0, 2}, told
    assert contents(outside) == before


def _abandoned_journals(store: Prepared) -> None:
    """Of every run, as if its process had died: what is half-written in its folder is removed."""
    for run in store.runs.values():
        header = {"run_id": run, "uri": f"sqlite:///{store.root / 'mlflow.db'}", "pid_namespace": 0}
        owner = f"{os.uname().nodename}:999999:1.0"
        (store.root / "journal" / f"{run}.jsonl").write_text(json.dumps({**header, "owner": owner}) + "\n")


@pytest.mark.parametrize("name", _some_slow(LINKS, {"checkpoints"}))
def test_a_link_in_a_run_is_not_followed(store: Prepared, outside: Path, name: str) -> None:
    plant, verbs = LINKS[name]
    plant(store, outside)
    before = contents(outside)
    for verb in verbs:
        code, told = encore(store.root, *_verbs(store)[verb.split()[0]])
        assert code == (1 if verb == "verify" else 2), (verb, code, told)
        assert verb == "verify" or _one_line(told.splitlines()[-1]), (verb, told)
    assert contents(outside) == before


@pytest.mark.parametrize("location", ["file://{outside}", "file://{root}/..", "s3://bucket", ""])
def test_an_experiment_that_keeps_its_files_elsewhere_gets_no_run(
    store: Prepared, outside: Path, location: str
) -> None:
    store.sql(
        "UPDATE experiments SET artifact_location = ?", location.format(outside=outside, root=store.root)
    )
    before = contents(outside), len(Store.open(store.root).runs())
    code, told = encore(store.root, "generate", store.runs["language model"])
    assert code == 2
    assert _one_line(told.splitlines()[-1]), told
    assert "experiment demo_stories" in told
    assert (contents(outside), len(Store.open(store.root).runs())) == before


@pytest.mark.parametrize(
    "header",
    ["[]", "null", "{}", "[" * 2000, '{"run_id": "../../outside", "uri": "URI", "owner": "x", "pid_namespace": 0}',
     '{"run_id": 7, "uri": "URI", "owner": "h:1:1", "pid_namespace": 0}', "\udcff"],
)  # fmt: skip
def test_a_journal_that_nobody_wrote_is_set_aside(store: Prepared, outside: Path, header: str) -> None:
    text = header.replace("URI", f"sqlite:///{store.root / 'mlflow.db'}") + "\n"
    (store.root / "journal" / f"{store.runs['fork']}.jsonl").write_bytes(
        text.encode(errors="surrogateescape")
    )
    before = contents(outside)
    assert encore(store.root, "runs")[0] == 0
    assert not list((store.root / "journal").glob("*.jsonl"))
    assert contents(outside) == before


@pytest.mark.slow
@pytest.mark.parametrize(
    ("key", "value", "run", "verbs"),
    [
        ("encore.ran.threads", value, "classifier", ("check", "reproduce", "fork"))
        for value in ("1000000000", "-1", "0x2", "two", "", "9" * 5000, "1e3", "²")
    ]
    + [("encore.ran.threads", "many", "killed", ("resume",))]
    + [("encore.forked_from", value, "fork", ("diff",)) for value in ("@x", "@", "a@-3", "@" + "9" * 400)],
)
def test_a_tag_that_is_no_number_is_one_line(
    store: Prepared, key: str, value: str, run: str, verbs: tuple[str, ...]
) -> None:
    store.tag(run, key, value)
    for verb in verbs:
        code, told = encore(store.root, *_verbs(store)[verb])
        assert code == 2, (verb, told)
        assert _one_line(told.splitlines()[-1]), told
        assert key in told


@pytest.mark.slow
@pytest.mark.parametrize(
    ("key", "value"),
    [("mlflow.loggedArtifacts", value) for value in ("[", "7", '[{"path": {}}]', "[" * 2000, "{}")]
    + [("encore.owner", "here:99999999999999999999:1"), ("encore.owner", ":::")],
)
def test_a_tag_that_others_read_stops_no_verb(store: Prepared, key: str, value: str) -> None:
    store.tag("language model", key, value)
    store.sql("UPDATE runs SET start_time = 1000000000000000000 WHERE run_uuid = ?", store.runs["fork"])
    assert encore(store.root, "runs")[0] == 0
    assert encore(store.root, "export", store.runs["language model"])[0] == 0
