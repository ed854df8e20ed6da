"""What a folder of somebody else's has links for: nothing is written, emptied or moved where they lead."""

from __future__ import annotations

from pathlib import Path

import pytest

from cli.debug import debug_file
from datamodules.checked_cache import checked_folder
from errors import UserError
from host.disk import exclusive
from sweeps.leases import owned
from tracking.recovery import recover_runs
from tracking.store import Store


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    """A folder with a file, beside the store; neither changes in a test."""
    folder = tmp_path / "outside"
    folder.mkdir()
    (folder / "diary").write_text("mine")
    return folder


def untouched(outside: Path) -> bool:
    return [file.name for file in outside.iterdir()] == ["diary"] and (
        outside / "diary"
    ).read_text() == "mine"


@pytest.mark.parametrize(
    "room", ["artifacts", "cache", "checkpoints", "downloaded", "journal", "mlflow.db", "optuna.db"]
)
def test_a_room_that_is_a_link_out_of_the_root_opens_nothing(
    room: str, tmp_path: Path, outside: Path
) -> None:
    (tmp_path / "mlruns").mkdir()
    (tmp_path / "mlruns" / room).symlink_to(outside)
    with pytest.raises(UserError, match=r"is a link to .*outside"):
        Store.open(tmp_path / "mlruns")
    assert untouched(outside)


@pytest.mark.parametrize("name", ["diary", "not there"])
def test_a_lock_that_is_a_link_is_not_written(name: str, tmp_path: Path, outside: Path) -> None:
    lock = tmp_path / "sweep-demo.lock"
    lock.symlink_to(outside / name)
    with pytest.raises(UserError, match="no plain file"), owned(lock, what="sweep demo"):
        pass
    with pytest.raises(UserError, match="no plain file"), exclusive(lock):
        pass
    assert untouched(outside)


def test_an_unreadable_journal_is_not_moved_behind_a_link(store: Store, outside: Path) -> None:
    (store.journal_folder / "orphaned").symlink_to(outside)
    (store.journal_folder / "x.jsonl").write_text("no header\n")
    with pytest.raises(UserError, match="is a link"):
        recover_runs(store.client, store.uri, store.journal_folder)
    assert untouched(outside)


def test_a_traceback_is_not_written_behind_a_link(tmp_path: Path, outside: Path) -> None:
    (tmp_path / "debug").symlink_to(outside)
    written = debug_file(ValueError("x"), tmp_path)
    assert written is not None
    assert untouched(outside)


def test_derived_data_are_not_written_behind_a_link(tmp_path: Path, outside: Path) -> None:
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache" / "tokens").symlink_to(outside)
    with pytest.raises(UserError, match="behind a link"):
        checked_folder(tmp_path / "cache" / "tokens" / "key", Path.touch, on_remade=print)
    assert untouched(outside)
