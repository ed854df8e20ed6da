"""Every file of the cache, altered in every way: nothing is trained on what is not what was written."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from itertools import cycle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from datamodules.checked_cache import checked_folder
from errors import UserError
from experiments.build import build_data
from experiments.config import ExperimentConfig
from experiments.reproduction.diff import diff_runs
from experiments.reproduction.reproduce import check, reproduce
from experiments.training.origin import FromScratch
from experiments.training.train import train
from runs.differences import Cause
from runs.files import RunFiles
from runs.layout import RECIPE_TAG
from tests.reporters import KeptReporter
from tests.tiny import classifier, language
from tracking.store import Store

FAMILIES = {
    "classifier": classifier("train.max_steps=2", "train.validations=1"),
    "language": language("train.max_steps=2", "train.validations=1"),
}


def _every_50th_id(file: Path) -> None:
    """Of a file of tokens; of another every 50th byte. Size and time stay."""
    before = file.stat()
    content: NDArray[Any] = np.frombuffer(file.read_bytes(), np.int32 if file.suffix == ".i32" else np.uint8)
    content = content.copy()
    content[::50] ^= 1
    file.write_bytes(content.tobytes())
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))


CHANGES: dict[str, Callable[[Path], object]] = {
    "every 50th id changed": _every_50th_id,
    "truncated": lambda file: os.truncate(file, file.stat().st_size // 2),
    "emptied": lambda file: os.truncate(file, 0),
    "removed": lambda file: file.unlink(),
    "lengthened": lambda file: file.write_bytes(file.read_bytes() + b"\0\0\0\0"),
    "replaced by the file beside it": lambda file: shutil.copy(next(_beside(file)), file),
    "one added beside it": lambda file: file.with_name("more.i32").write_bytes(b"\0\0\0\0"),
}


def _beside(file: Path) -> Iterator[Path]:
    return (other for other in sorted(file.parent.parent.glob(f"*/{file.name}")) if other != file)


def _used(config: ExperimentConfig, cache: Path, said: list[str]) -> object:
    """All that is trained on and scored, and the checksums that a run would record."""
    reporter = KeptReporter()
    data = build_data(config, cache_dir=cache, reporter=reporter)
    said += [sentence for sentence, _ in reporter.said]
    tables = [
        (data.tables[split].ids_S.tolist(), data.tables[split].starts.tolist()) for split in data.tables
    ]
    return tables, data.fingerprints(), data.token_digests


def _derived(cache: Path) -> list[Path]:
    return sorted(
        file for kind in ("tokens", "holdout") for file in (cache / kind).rglob("*") if _is_data(file)
    )


def _is_data(file: Path) -> bool:
    return file.is_file() and file.suffix != ".lock"


def _possible(file: Path, change: str) -> bool:
    return not change.startswith("replaced") or bool(list(_beside(file)))  # there is one hold-out


def _pairs(files: list[Path]) -> list[tuple[Path, str]]:
    """Each kind of file in every way, in turn one of each folder: all folders are kept by the same code."""
    turns: dict[str, Iterator[Path]] = {}
    for name in sorted({file.name for file in files}):
        turns[name] = cycle([file for file in files if file.name == name])
    return [
        (next(file for file in files if _possible(file, change)), change)
        for files in turns.values()
        for change in CHANGES
    ]


@pytest.mark.slow
@pytest.mark.parametrize("family", FAMILIES)
def test_whatever_becomes_of_a_file_of_the_cache_the_tokens_stay_what_they_are(
    family: str, tmp_path: Path
) -> None:
    config, said = FAMILIES[family], list[str]()
    right = _used(config, tmp_path, said)
    files = _derived(tmp_path)
    # Four folders: the tokens of three splits, and the rows that are held out.
    assert sorted(file.name for file in files) == [
        *4 * ["ids.i32"],
        *4 * ["manifest.json"],
        *4 * ["starts.npy"],
    ]
    assert said == []
    pairs = _pairs(files)
    assert {file for file, _ in pairs} == set(files)
    assert {(file.name, change) for file, change in pairs} == {(f.name, c) for f in files for c in CHANGES}
    for number, (file, change) in enumerate(pairs, start=1):
        CHANGES[change](file)
        assert _used(config, tmp_path, said) == right, (change, file)
        assert len(said) == number, (change, file)
        assert str(file.parent) in said[-1]
    assert _used(config, tmp_path, said) == right
    assert len(said) == len(pairs)


@pytest.fixture(params=FAMILIES)
def trained(request: pytest.FixtureRequest, store: Store) -> tuple[Store, ExperimentConfig, str]:
    """A store with a finished run of each family."""
    config = FAMILIES[request.param]
    return store, config, train(config, store).run_id


def _altered_together(folder: Path) -> None:
    """Every 50th id, and a manifest that fits: what a stranger can do who knows how the cache is kept."""

    def write(partial: Path) -> None:
        for name in ("ids.i32", "starts.npy"):
            shutil.copy(folder / name, partial / name)
        _every_50th_id(partial / "ids.i32")

    other = checked_folder(folder.parent.parent / "apart" / folder.name, write, on_remade=print)
    shutil.rmtree(folder)
    other.path.rename(folder)


@pytest.mark.slow
def test_tokens_that_were_altered_with_their_manifest_are_told_by_what_the_run_recorded(
    trained: tuple[Store, ExperimentConfig, str],
) -> None:
    store, config, run_id = trained
    record = store.find(run_id)
    data = build_data(config, cache_dir=store.root / "cache")
    recorded = record.tags["encore.ran.fingerprint.tokens.train"]
    assert recorded == data.token_digests["train"]
    table = data.tables["train"].path
    assert table is not None
    _altered_together(table)
    (cause,) = check(RunFiles(store, record))
    assert (cause.kind, cause.name, cause.recorded) == ("data", "the tokens of the split 'train'", recorded)
    with pytest.raises(UserError, match="the tokens of the split 'train' are not those of the run") as caught:
        reproduce(RunFiles(store, record))
    assert str(table) in caught.value.where
    other = store.find(train(config, store, FromScratch(reuse=True)).run_id)
    assert other.tags[RECIPE_TAG] != record.tags[RECIPE_TAG]
    causes, comparison = diff_runs(RunFiles(store, record), RunFiles(store, other))
    assert causes == [Cause("data", cause.name, recorded, other.tags["encore.ran.fingerprint.tokens.train"])]
    assert comparison is not None
    assert comparison.verdict != "identical"
    shutil.rmtree(table)  # as the error says
    assert check(RunFiles(store, record)) == []
