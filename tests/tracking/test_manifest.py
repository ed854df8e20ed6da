"""The manifest of a run: written by whoever writes the run, sealed, and never made anew over what was altered."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

import pytest

from errors import UserError
from host.files import file_digest
from tracking.artifacts import Artifacts
from tracking.entities import RunRecord
from tracking.manifest import MANIFEST_FILE, MANIFEST_SEAL
from tracking.run_log import RunLog
from tracking.store import Store

Start = Callable[..., RunLog]


def _finished(store: Store, start: Start) -> RunRecord:
    log = start(store)
    log.log_text("one", "run/a.txt")
    log.log_table({"x": [1]}, "tables/t.json")
    with log.folder("export") as folder:
        (folder / "deep").mkdir()
        (folder / "deep" / "b").write_text("two")
    log.finish("FINISHED")
    return store.find(log.run_id)


def _digests(store: Store, record: RunRecord, *paths: str) -> dict[str, str]:
    return {path: file_digest(store.artifact(record, path)) for path in paths}


def test_every_file_that_was_written_is_named_and_the_manifest_sealed(store: Store, start: Start) -> None:
    record = _finished(store, start)
    assert store.files.manifest(record) == _digests(
        store, record, "run/a.txt", "tables/t.json", "export/deep/b"
    )
    assert record.tags[MANIFEST_SEAL] == file_digest(store.artifact(record, MANIFEST_FILE))


def test_what_is_written_later_takes_its_place_and_nothing_else_is_renewed(
    store: Store, start: Start
) -> None:
    record = _finished(store, start)
    before = store.files.manifest(record)
    assert before is not None
    store.artifact(record, "run/a.txt").write_text("altered")
    again = store.attach(record.run_id)
    with again.folder("export") as folder:
        (folder / "c").write_text("three")
    again.close()
    record = store.find(record.run_id)
    assert store.files.manifest(record) == {
        "run/a.txt": before["run/a.txt"],
        "tables/t.json": before["tables/t.json"],
        **_digests(store, record, "export/c"),
    }


@pytest.mark.parametrize("alter", [Path.unlink, lambda file: file.write_text("{}")])
def test_an_altered_manifest_is_refused_before_anything_is_written(
    store: Store, start: Start, alter: Callable[[Path], object]
) -> None:
    record = _finished(store, start)
    alter(store.artifact(record, MANIFEST_FILE))
    log = store.attach(record.run_id)
    with pytest.raises(UserError, match=r"run/manifest\.json is"), log.folder("export"):
        raise AssertionError("not reached")
    log.close()
    assert store.artifact(record, "export/deep/b").read_text() == "two"
    assert store.find(record.run_id) == record


def test_a_run_from_before_manifests_gets_none_by_an_export(store: Store, start: Start) -> None:
    record = _finished(store, start)
    store.artifact(record, MANIFEST_FILE).unlink()
    store.client.delete_tag(record.run_id, MANIFEST_SEAL)
    log = store.attach(record.run_id)
    log.log_text("new", "export.txt")
    log.close()
    record = store.find(record.run_id)
    assert store.files.manifest(record) is None
    assert not (store.artifact(record, "run") / "manifest.json").exists()


def test_a_run_from_before_manifests_that_goes_on_gets_one_of_all_it_has(store: Store, start: Start) -> None:
    log = start(store)
    log.log_text("one", "run/a.txt")
    log.finish("KILLED")
    record = store.find(log.run_id)
    store.artifact(record, MANIFEST_FILE).unlink()
    store.client.delete_tag(record.run_id, MANIFEST_SEAL)
    again = store.attach(log.run_id, running=True)
    again.log_text("two", "run/b.txt")
    again.finish("FINISHED")
    record = store.find(log.run_id)
    assert store.files.manifest(record) == _digests(store, record, "run/a.txt", "run/b.txt")


def test_a_write_that_failed_is_not_named(store: Store, start: Start) -> None:
    log = start(store)
    with suppress(RuntimeError), log.folder("export") as folder:
        (folder / "half").write_text("x")
        raise RuntimeError
    log.log_text("one", "a.txt")
    log.finish("FINISHED")
    record = store.find(log.run_id)
    assert set(store.files.manifest(record) or {}) == {"a.txt"}


@pytest.mark.parametrize("dies_at", ["write_manifest", "second seal"])
def test_who_dies_while_sealing_leaves_a_run_that_goes_on(
    store: Store, start: Start, monkeypatch: pytest.MonkeyPatch, dies_at: str
) -> None:
    log = start(store)
    log.log_text("one", "a.txt")
    log.seal()
    log.log_text("two", "b.txt")
    with monkeypatch.context() as patched:
        if dies_at == "write_manifest":
            patched.setattr(Artifacts, "write_manifest", _dies)
        else:
            patched.setattr(RunLog, "set_tags", _dies_at_the_seal(RunLog.set_tags))
        with pytest.raises(Dead):
            log.seal()
    log.flush()
    record = store.find(log.run_id)
    assert set(store.files.manifest(record) or {}) >= {"a.txt"}
    log.finish("KILLED")
    again = store.attach(log.run_id, running=True)
    again.log_text("two", "b.txt")
    again.finish("FINISHED")
    record = store.find(log.run_id)
    assert store.files.manifest(record) == _digests(store, record, "a.txt", "b.txt")


class Dead(BaseException):
    """As a SIGKILL, which no handler sees."""


def _dies(*_: object) -> None:
    raise Dead


def _dies_at_the_seal(
    set_tags: Callable[[RunLog, Mapping[str, str]], None],
) -> Callable[[RunLog, Mapping[str, str]], None]:
    def set_or_die(log: RunLog, tags: Mapping[str, str]) -> None:
        if MANIFEST_SEAL in tags:
            raise Dead
        set_tags(log, tags)

    return set_or_die
