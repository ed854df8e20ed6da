"""Folders of derived data: what does not hold is made again, with a word; nothing that is half written is used."""

from __future__ import annotations

import multiprocessing
import os
import shutil
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from datamodules.checked_cache import MANIFEST, CheckedFolder, checked_folder
from errors import UserError

FILES = {"ids": bytes(range(256)) * 40, "starts": b"", "inner/more": b"more"}


class Made:
    """Asks for the folder `path`; counts how often it was written and keeps what was said."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.written = 0
        self.said: list[str] = []

    def write(self, folder: Path) -> None:
        self.written += 1
        for name, content in FILES.items():
            (folder / name).parent.mkdir(exist_ok=True)
            (folder / name).write_bytes(content)

    def ask(self) -> CheckedFolder:
        return checked_folder(self.path, self.write, on_remade=self.said.append)

    def holds(self) -> bool:
        files = {
            str(file.relative_to(self.path)): file.read_bytes()
            for file in self.path.rglob("*")
            if file.is_file() and not file.is_symlink() and file.name != MANIFEST
        }
        return files == FILES


@pytest.fixture
def made(tmp_path: Path) -> Made:
    found = Made(tmp_path / "cache" / "tokens" / "k[1]")
    found.ask()
    return found


def _same_size_and_time(file: Path) -> None:
    before = file.stat()
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))


def _link(folder: Path) -> None:
    shutil.copy(folder / "ids", folder.parent / "elsewhere")
    (folder / "ids").unlink()
    (folder / "ids").symlink_to(folder.parent / "elsewhere")


def _of_another(folder: Path) -> None:
    other = folder.with_name("other")
    checked_folder(other, lambda partial: (partial / "ids").write_bytes(b"other") and None, on_remade=print)
    shutil.rmtree(folder)
    other.rename(folder)


def _file_instead(folder: Path) -> None:
    shutil.rmtree(folder)
    folder.write_text("a file")


CHANGES: dict[str, tuple[Callable[[Path], object], str]] = {
    "a byte, size and time kept": (lambda at: _same_size_and_time(at / "ids"), "ids that is not what was"),
    "truncated": (lambda at: os.truncate(at / "ids", 99), "ids that is not what was written"),
    "emptied": (lambda at: os.truncate(at / "inner/more", 0), "inner/more that is not what was written"),
    "an empty file grown": (
        lambda at: (at / "starts").write_bytes(b"0"),
        "starts that is not what was written",
    ),
    "lost": (lambda at: (at / "starts").unlink(), "has lost starts"),
    "a link": (_link, "ids that is not what was written"),
    "a pipe": (lambda at: ((at / "ids").unlink(), os.mkfifo(at / "ids")), "ids that is not what was written"),
    "added": (lambda at: (at / "inner/b").write_bytes(b""), "holds inner/b, which was added"),
    "no manifest": (lambda at: (at / MANIFEST).unlink(), "has no manifest"),
    "manifest emptied": (lambda at: os.truncate(at / MANIFEST, 0), "has a damaged manifest"),
    "manifest a list": (lambda at: (at / MANIFEST).write_text("[1]"), "has a damaged manifest"),
    "manifest deep": (lambda at: (at / MANIFEST).write_text("[" * 90_000), "has a damaged manifest"),
    "manifest altered": (lambda at: _same_size_and_time(at / MANIFEST), ""),
    "of another folder": (_of_another, "has a manifest that is not its own"),
    "a file instead": (_file_instead, "is no folder"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_what_does_not_hold_is_made_again_with_a_word(made: Made, change: str) -> None:
    digest = made.ask().digest
    alter, why = CHANGES[change]
    alter(made.path)
    assert made.ask().digest == digest
    assert made.holds()
    assert made.written == 2
    (sentence,) = made.said
    assert str(made.path) in sentence
    assert why in sentence
    made.ask()
    assert (made.written, len(made.said)) == (2, 1)
    assert not [name for name in os.listdir(made.path.parent) if "partial" in name]


def test_what_was_missing_is_made_without_a_word_and_what_holds_is_used(made: Made) -> None:
    made.ask()
    assert (made.written, made.said) == (1, [])
    shutil.rmtree(made.path)
    made.ask()
    assert (made.written, made.said) == (2, [])


def test_the_digest_tells_a_file_and_manifest_that_were_altered_together(made: Made, tmp_path: Path) -> None:
    def write_other(folder: Path) -> None:
        made.write(folder)
        (folder / "ids").write_bytes(FILES["ids"][::-1])

    other = checked_folder(tmp_path / "apart" / made.path.name, write_other, on_remade=print)
    digest = made.ask().digest
    shutil.rmtree(made.path)
    other.path.rename(made.path)
    assert made.ask().digest == other.digest != digest


def test_a_writer_that_fails_leaves_nothing_and_its_own_words(tmp_path: Path) -> None:
    def fail(folder: Path) -> None:
        (folder / "half").write_text("half")
        raise UserError("row 7 is odd", where="rows", cure="Mend it.")

    with pytest.raises(UserError, match="row 7 is odd"):
        checked_folder(tmp_path / "key", fail, on_remade=print)
    assert os.listdir(tmp_path) == [".key.lock"]


def test_what_cannot_be_made_again_is_one_line_that_names_it(made: Made) -> None:
    def full(folder: Path) -> None:
        (folder / "half").write_text("half")
        raise OSError(28, "No space left on device", str(folder / "half"))

    os.truncate(made.path / "ids", 5)
    with pytest.raises(UserError, match="ids that is not what was written and cannot be made") as caught:
        checked_folder(made.path, full, on_remade=print)
    assert caught.value.where == str(made.path)
    assert "No space left" in str(caught.value)
    assert sorted(os.listdir(made.path.parent)) == [f".{made.path.name}.lock", made.path.name]


def test_a_folder_that_cannot_be_made_names_what_stands_in_its_way(tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("a file")
    with pytest.raises(UserError, match="is missing and cannot be made") as caught:
        Made(tmp_path / "cache" / "tokens" / "key").ask()
    assert "\n" not in str(caught.value)


def _ask_slowly(path: Path, log: Path) -> None:
    def write(folder: Path) -> None:
        with log.open("a") as stream:
            stream.write(f"{os.getpid()}\n")
        (folder / "half").write_bytes(b"half")
        time.sleep(0.5)
        Made(path).write(folder)
        (folder / "half").unlink()

    checked_folder(path, write, on_remade=print)


def _begun(path: Path, log: Path) -> multiprocessing.process.BaseProcess:
    process = multiprocessing.get_context("spawn").Process(target=_ask_slowly, args=(path, log))
    process.start()
    return process


def test_of_several_processes_one_writes_and_all_get_the_whole(tmp_path: Path) -> None:
    path, log = tmp_path / "tokens" / "key", tmp_path / "log"
    processes = [_begun(path, log) for _ in range(4)]
    for process in processes:
        process.join()
        assert process.exitcode == 0
    assert len(log.read_text().splitlines()) == 1
    assert Made(path).holds()


def test_what_a_killed_writer_left_is_taken_away(tmp_path: Path) -> None:
    path, log = tmp_path / "tokens" / "key", tmp_path / "log"
    process = _begun(path, log)
    while not list(path.parent.glob(".key.partial-*/half")):
        time.sleep(0.01)
    assert process.pid is not None
    os.kill(process.pid, signal.SIGKILL)
    process.join()
    assert not path.exists()
    assert list(path.parent.glob(".key.partial-*"))
    made = Made(path)
    made.ask()
    assert made.holds()
    assert made.said == []
    assert sorted(os.listdir(path.parent)) == [".key.lock", "key"]
