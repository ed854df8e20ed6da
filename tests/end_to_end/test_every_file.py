"""Whatever is done to any file of a finished run, `verify` names that file, and no other."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from runs.files import RunFiles
from runs.verify import verify
from sweeps.run import run_sweep
from tests.end_to_end.prepared import Prepared
from tests.sweep_specs import load_sweep
from tests.tiny import REPEATED_CLASSIFIER
from tracking.entities import RunRecord
from tracking.manifest import MANIFEST_FILE
from tracking.store import Store

Change = Callable[[Path, Path], None]
"""(target, aside): the file of the run is at `aside`; `target`, where it was, is free."""


def _altered(target: Path, aside: Path) -> None:
    content = bytearray(aside.read_bytes()) or bytearray(b"\0")
    content[len(content) // 2] ^= 1
    target.write_bytes(content)


def _first_byte(target: Path, aside: Path) -> None:
    content = aside.read_bytes()
    target.write_bytes(bytes([content[0] ^ 0x80]) + content[1:] if content else b"x")


def _last_byte(target: Path, aside: Path) -> None:
    content = aside.read_bytes()
    target.write_bytes(content[:-1] + bytes([content[-1] ^ 1]) if content else b"y")


def _emptied(target: Path, aside: Path) -> None:
    target.write_bytes(b"" if aside.stat().st_size else b"\n")


def _removed(target: Path, aside: Path) -> None:
    return


def _folder_instead(target: Path, aside: Path) -> None:
    target.mkdir()


def _linked(target: Path, aside: Path) -> None:
    """To the very bytes."""
    target.symlink_to(aside)


def _pipe(target: Path, aside: Path) -> None:
    os.mkfifo(target)


def _new_file(target: Path, aside: Path) -> None:
    target.write_text("print('somebody was here')\n")


def _new_folder_with_code(target: Path, aside: Path) -> None:
    target.mkdir()
    (target / "generate.py").write_text("raise SystemExit\n")


def _link_to_elsewhere(target: Path, aside: Path) -> None:
    target.symlink_to("/etc")


CHANGES: tuple[Change, ...] = (
    _altered,
    _first_byte,
    _last_byte,
    _emptied,
    _removed,
    _folder_instead,
    _linked,
    _pipe,
)
ADDITIONS: dict[str, Change] = {
    "added.py": _new_file,
    ".hidden": _new_file,
    "custom_generate": _new_folder_with_code,
    "empty": _folder_instead,
    "link": _link_to_elsewhere,
    "pipe": _pipe,
}


@contextmanager
def _changed(target: Path, change: Change, aside: Path) -> Iterator[None]:
    """The file moved aside and moved back: links between files of the run stay."""
    if target.exists():
        target.rename(aside)
    change(target, aside)
    try:
        yield
    finally:
        if target.is_dir() and not target.is_symlink():
            shutil.rmtree(target)
        elif os.path.lexists(target):
            target.unlink()
        if aside.exists():
            aside.rename(target)


def _cases(folder: Path, *, turns: int) -> list[tuple[str, Change, set[str]]]:
    """Path, what is done there, and the paths that must be named. turns: 1: everything everywhere; else at each place
    every so many-th of what can be done, the next place the ones after."""
    files = [path.relative_to(folder).as_posix() for path in sorted(folder.rglob("*")) if path.is_file()]
    folders = ["", *(f"{path.relative_to(folder)}/" for path in sorted(folder.rglob("*")) if path.is_dir())]
    cases: list[tuple[str, Change, set[str]]] = []
    for number, file in enumerate(files):
        cases += [(file, change, {file}) for change in CHANGES[number % turns :: turns]]
    for number, place in enumerate(folders):
        for name, change in list(ADDITIONS.items())[number % turns :: turns]:
            code = {f"{place}{name}/generate.py"} if change is _new_folder_with_code else set[str]()
            cases.append((f"{place}{name}", change, {f"{place}{name}"} | code))
    return cases


def _named(store: Store, record: RunRecord) -> set[str]:
    return {
        check.file
        for check in verify(RunFiles(store, record))
        if not check.holds and check.what in {"file", "stranger", "files"}
    }


def _unnamed(store: Store, record: RunRecord, aside: Path, *, turns: int) -> tuple[list[str], int]:
    """What was not named, or named beside it, and how many cases there were."""
    folder = store.artifact(record, "run" if record.tags["encore.kind"] != "sweep" else "sweep").parent
    wrong: list[str] = []
    cases = _cases(folder, turns=turns)
    for path, change, expected in cases:
        with _changed(folder / path, change, aside):
            named = _named(store, record)
        if named != expected:
            wrong.append(f"{change.__name__} {path}: named {sorted(named)}")
    assert [check for check in verify(RunFiles(store, record)) if not check.holds] == []
    return wrong, len(cases)


Made = tuple[Store, dict[str, str]]


@pytest.fixture(scope="module")
def made(whole: Prepared, tmp_path_factory: pytest.TempPathFactory) -> Made:
    """A finished run of each family, a fork, and one of stories."""
    copied = whole.copied(tmp_path_factory.mktemp("handed out") / "mlruns")
    return Store.open(copied.root), dict(copied.runs)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("family", "turns"),
    # A fork leaves the files of a classifier and its start; those of the others are read by the same code, too.
    [("classifier", 1), ("language model", 4), ("stories", 1), ("fork", 4), ("sweep", 2)],
)
def test_all_that_can_be_done_to_any_file_is_named(
    made: Made, tmp_path: Path, family: str, turns: int, record_property: Callable[[str, object], None]
) -> None:
    store, runs = made
    if family == "sweep":
        spec, rest = load_sweep("demo", [*REPEATED_CLASSIFIER, "budget.trials=2", "finale=none"])
        runs[family] = run_sweep(spec, store, overrides=rest).parent_id
    wrong, count = _unnamed(store, store.find(runs[family]), tmp_path / "aside", turns=turns)
    record_property("cases", count)
    assert wrong == []


def test_several_at_once_and_a_vanished_export_are_named(made: Made, tmp_path: Path) -> None:
    store, runs = made
    record = store.find(runs["language model"])
    export = store.artifact(record, "export")
    files = {f"export/{path.relative_to(export)}" for path in export.rglob("*") if path.is_file()}
    with _changed(export, _removed, tmp_path / "aside"):
        assert _named(store, record) == files


def test_the_manifest_is_sealed(made: Made, tmp_path: Path) -> None:
    """One that was made anew for altered files is not the run's."""
    store, runs = made
    record = store.find(runs["classifier"])
    manifest = store.artifact(record, MANIFEST_FILE)
    content = manifest.read_text().replace("export/report.json", "export/reports.json")

    def rewrite(target: Path, aside: Path) -> None:
        target.write_text(content)

    with _changed(manifest, rewrite, tmp_path / "aside"):
        assert _named(store, record) == {MANIFEST_FILE}
