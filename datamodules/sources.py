"""Rows from a local folder, from the hub or from a bundled generator, as `datasets.Dataset`."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from datamodules.checked_cache import checked_folder
from datamodules.files import SplitFiles, files_of_splits
from datamodules.fingerprint import short_digest
from datamodules.hub import hub_reachable, missing
from datamodules.labels import renumbering
from datamodules.readers.delimited import DELIMITERS, look_at, open_delimited, with_siblings
from datamodules.readers.jsonl import open_jsonl
from datamodules.readers.parquet import open_parquet
from datamodules.readers.quoting import Said
from datamodules.readers.raw import ROWS_AT_ONCE, RawFile, RawRows, Wanted, check_names
from datamodules.readers.separated import open_separated
from datamodules.reading import Source, load_reads, rows_in_memory, save_reads, write_split
from datamodules.reads import SplitRead
from errors import UserError
from host.boundary import boundary
from host.files import file_digest

if TYPE_CHECKING:
    from datasets import Dataset

_READING = "rows-2"  # another way of reading is another entry of the cache
_READING_TXT = "txt-2"
OnRemade = Callable[[str], None]


@dataclass(frozen=True)
class Splits:
    """The two splits an experiment uses, where they came from, and what was read of each."""

    train: Dataset
    official: Dataset
    origin: str  # a folder's path, `hub:<repository>@<commit>` or `bundled:<generator>`
    reads: tuple[SplitRead, SplitRead]


def from_folder(
    folder: Path,
    *,
    splits: tuple[str, str],
    wanted: Wanted,
    separator: str | None = None,
    quoting: Said = "auto",
    cache_dir: Path,
    on_remade: OnRemade,
) -> Splits:
    """The train and the official evaluation split of a folder; docs/data.md has how files are read.

    folder: holds for each split one file or a set of shards of one format. splits: names of the train and the
    evaluation split. wanted: the columns that must be there; others are left out. With a `separator` of rows also
    `<split>.txt` is read. quoting: of csv and tsv files.
    Raises UserError: folder missing or empty, a split or a shard missing, a file that cannot be read in just one
    way, and a row that has no text or no label.
    """
    found = files_of_splits(folder, splits, texts=separator is not None)
    names = [[str(file.relative_to(folder)) for file in one.files] for one in found]
    _check_counts(quoting, found, folder)
    key = _key(found, names, wanted, separator, quoting)

    def write(into: Path) -> None:
        opened = _opened(found, wanted, separator, quoting)
        reads: list[SplitRead] = []
        for split, one, some_names in zip(splits, found, names, strict=True):
            files = zip(some_names, one.files, strict=True)
            sources = (Source(name, str(file), opened(file)) for name, file in files)
            reads.append(write_split(into / f"{split}.arrow", sources, wanted, split=split))
        save_reads(into / "reads.json", reads)

    kept = _kept_splits(cache_dir / "rows" / key, write, splits, str(folder), on_remade)
    # What lies beside the files is this folder's; another of the same rows has the same entry of the cache.
    train, official = (
        replace(read, notes=(*one.notes, *read.notes)) for read, one in zip(kept.reads, found, strict=True)
    )
    return replace(kept, reads=(train, official))


def _key(
    found: Sequence[SplitFiles],
    names: Sequence[Sequence[str]],
    wanted: Wanted,
    separator: str | None,
    quoting: Said,
) -> str:
    """Of the entry in the cache: by what is in the files, their names and how they are read."""
    marks = [] if quoting == "auto" else [quoting]
    if any(one.suffix == ".txt" for one in found):
        marks.append(_READING_TXT)
    return short_digest(
        _READING, repr(wanted), repr(separator), *map(repr, names), _content_digest(found), *marks
    )


def _check_counts(quoting: Said, found: Sequence[SplitFiles], folder: Path) -> None:
    """UserError where quotation marks are spoken of and no file has any of a writer's."""
    if quoting != "auto" and not any(one.suffix in DELIMITERS for one in found):
        raise UserError(
            f"data.quoting={quoting} counts for csv and tsv files, and here are none",
            where=f"data.path={folder}",
            cure="Leave it out.",
        )


def _opened(
    found: Sequence[SplitFiles], wanted: Wanted, separator: str | None, quoting: Said
) -> Callable[[Path], RawFile]:
    """What opens each file; delimited ones are all looked at first, since one may tell how another is written."""
    looked = [
        look_at(file, DELIMITERS[one.suffix], wanted, quoting)
        for one in found
        if one.suffix in DELIMITERS
        for file in one.files
    ]
    decided = {one.layout.file: one for one in with_siblings(looked)}
    suffix_of = {file: one.suffix for one in found for file in one.files}

    def opened(file: Path) -> RawFile:
        if file in decided:
            return open_delimited(decided[file])
        if suffix_of[file] == ".txt":
            assert separator is not None
            return open_separated(file, separator)
        return (open_parquet if suffix_of[file] == ".parquet" else open_jsonl)(file, wanted)

    return opened


def _content_digest(found: Sequence[SplitFiles]) -> str:
    """sha256 over the bytes of every file; a copied file may have changed and kept its name and its time."""
    digest = hashlib.sha256()
    for file in (file for one in found for file in one.files):
        with boundary("cannot be read", where=str(file), cure="See that this file can be read."):
            digest.update(bytes.fromhex(file_digest(file)))
    return digest.hexdigest()


def _kept_splits(
    path: Path, write: Callable[[Path], None], splits: tuple[str, str], origin: str, on_remade: OnRemade
) -> Splits:
    """Both splits from the checked folder `path` of the cache, which `write` fills."""
    from datasets import Dataset

    kept = checked_folder(path, write, on_remade=on_remade).path
    train, official = (replace(read, origin=origin) for read in load_reads(kept / "reads.json"))
    one, other = (Dataset.from_file(str(kept / f"{split}.arrow")) for split in splits)
    return Splits(one, other, origin, (train, official))


def from_hub(
    repository: str,
    *,
    commit: str,
    splits: tuple[str, str],
    wanted: Wanted,
    cache_dir: Path,
    on_remade: OnRemade,
) -> Splits:
    """Both splits of a hub data set at a commit. UserError when neither hub nor cache has them."""
    origin = f"hub:{repository}@{commit}"
    # Without a hub the library takes the newest folder that it finds, of whatever commit.
    library_cache = cache_dir / "datasets" / commit

    def write(into: Path) -> None:
        reads = [
            write_split(
                into / f"{split}.arrow",
                [_hub_source(repository, commit, split, wanted, library_cache)],
                wanted,
                split=split,
            )
            for split in splits
        ]
        save_reads(into / "reads.json", reads)
        shutil.rmtree(library_cache, ignore_errors=True)  # nothing checks it, and the rows are kept twice

    key = short_digest(_READING, repr(wanted), origin, *splits)
    return _kept_splits(cache_dir / "rows" / key, write, splits, origin, on_remade)


def _hub_source(repository: str, commit: str, split: str, wanted: Wanted, library_cache: Path) -> Source:
    from datasets import ClassLabel, Dataset, DownloadConfig, load_dataset

    where = f"hub data set {repository}, split {split}"
    if Path(repository).exists():
        raise UserError(
            "the library would read the folder of the same name that lies here instead",
            where=f"hub data set {repository}",
            cure=f"Run it from another folder than {Path.cwd()}, or give data.path={Path(repository).absolute()}.",
        )
    try:
        data = load_dataset(
            repository,
            revision=commit,
            split=split,
            cache_dir=str(library_cache),
            download_config=DownloadConfig(local_files_only=not hub_reachable()),
        )
    except Exception as error:
        raise missing(f"the data set {repository}", key="data.path", reason=error) from error
    assert isinstance(data, Dataset)
    check_names(data.column_names, wanted, where=where)
    feature = None if wanted.label is None else data.features[wanted.label]
    named = feature.names if isinstance(feature, ClassLabel) else None
    numbers = None if named is None else renumbering(named, wanted.label_names, where=where)
    told = None if data.info.splits is None else data.info.splits.get(split)
    raw = RawFile(
        how="hub",
        chunks=_hub_chunks(data, wanted, numbers),
        count=lambda: None if told is None else int(told.num_examples),
        counted_by="the data set's description",
        notes=() if numbers is None else ("the hub numbers the labels otherwise: renumbered",),
    )
    return Source(f"{repository}@{commit}", where, raw)


def _hub_chunks(data: Dataset, wanted: Wanted, numbers: Mapping[int, int] | None) -> Iterator[RawRows]:
    for begin in range(0, len(data), ROWS_AT_ONCE):
        found = data[begin : begin + ROWS_AT_ONCE]
        labels = None if wanted.label is None else found[wanted.label]
        if labels is not None and numbers is not None:
            labels = [numbers.get(label, label) for label in labels]
        yield RawRows(found[wanted.text], labels)


def from_rows(
    rows: Mapping[str, Sequence[Mapping[str, object]]], wanted: Wanted, splits: tuple[str, str], origin: str
) -> Splits:
    """Bundled rows, by their split, as data sets."""
    from datasets import Dataset

    one, other = (Dataset.from_list([dict(row) for row in rows[split]]) for split in splits)
    train, official = (
        rows_in_memory(
            RawRows(
                [row[wanted.text] for row in rows[split]],
                None if wanted.label is None else [row[wanted.label] for row in rows[split]],
            ),
            wanted,
            split=split,
            origin=origin,
        )
        for split in splits
    )
    return Splits(one, other, origin, (train, official))
