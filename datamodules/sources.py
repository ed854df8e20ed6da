"""Rows from a local folder, from the hub or from a bundled generator, as `datasets.Dataset`."""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from datamodules.hub import hub_reachable, missing
from datamodules.separated import separated_rows
from errors import UserError

if TYPE_CHECKING:
    from datasets import Dataset

# Suffix of a data file -> builder of `datasets` and its options.
_FORMATS: Mapping[str, tuple[str, Mapping[str, Any]]] = {
    ".parquet": ("parquet", {}),
    ".jsonl": ("json", {}),
    ".csv": ("csv", {"keep_default_na": False}),  # a review may be the word "null"
    ".tsv": ("csv", {"delimiter": "\t", "quoting": csv.QUOTE_NONE, "keep_default_na": False}),  # as GLUE's
}


@dataclass(frozen=True)
class Splits:
    """The two splits an experiment uses, and where they came from."""

    train: Dataset
    official: Dataset
    origin: str  # a folder's path, `hub:<repository>@<commit>` or `bundled:<generator>`


def from_folder(
    folder: Path,
    *,
    splits: tuple[str, str],
    columns: Sequence[str],
    separator: str | None = None,
    cache_dir: Path,
) -> Splits:
    """The train and the official evaluation split of a folder.

    folder: holds `<split>.parquet`, `.jsonl`, `.csv` or `.tsv`, or shards `<split>-*.parquet` of a hub
    download; with a `separator` of rows also `<split>.txt`. splits: names of the train and the evaluation split.
    columns: those that must be there.
    Raises UserError: folder missing or empty, a split missing, unreadable, empty or of other columns.
    """
    check_is_folder(folder)
    train, official = (_read_split(folder, split, columns, separator, cache_dir) for split in splits)
    return Splits(train, official, str(folder))


def check_is_folder(folder: Path) -> None:
    """UserError unless `folder` is one."""
    if not folder.is_dir():
        raise UserError(
            "no such folder" if not folder.exists() else "not a folder",
            where=f"data.path={folder}",
            cure="Give a folder that holds both splits (parquet, jsonl, csv or tsv).",
        )


def _read_split(
    folder: Path, split: str, columns: Sequence[str], separator: str | None, cache_dir: Path
) -> Dataset:
    from datasets import Dataset, load_dataset
    from pyarrow import parquet

    files, suffix = _files_of(folder, split, [*_FORMATS, *([] if separator is None else [".txt"])])
    # The library tells files apart by path and time; a copied file may have changed and kept both.
    cache_dir = cache_dir / "datasets" / _content_digest(files)
    if suffix == ".txt":
        assert separator is not None
        return separated_rows(files, separator, column=columns[0], cache_dir=cache_dir)
    builder, options = _FORMATS[suffix]
    with _unreadable_is_a_user_error(files[0]):
        if suffix == ".parquet" and not sum(parquet.read_metadata(file).num_rows for file in files):
            raise _no_rows(str(files[0]))  # the library fails on such a file, with a riddle
        loaded = load_dataset(
            builder,
            data_files={split: [str(file) for file in files]},
            split=split,
            cache_dir=str(cache_dir),
            **options,
        )
    assert isinstance(loaded, Dataset)
    return checked_columns(loaded, columns, where=str(files[0]))


def _files_of(folder: Path, split: str, suffixes: Sequence[str]) -> tuple[list[Path], str]:
    for suffix in suffixes:
        files = sorted([*folder.glob(f"{split}{suffix}"), *folder.glob(f"{split}-*{suffix}")])
        if files:
            return files, suffix
    present = ", ".join(sorted(entry.name for entry in folder.iterdir())[:8]) or "nothing"
    raise UserError(
        f"no file for the split {split!r} (the folder holds {present})",
        where=f"data.path={folder}",
        cure=f"Put one of {', '.join(split + suffix for suffix in suffixes)} there.",
    )


def _content_digest(files: Sequence[Path]) -> str:
    digest = hashlib.sha256()
    for file in files:
        with file.open("rb") as stream:
            digest.update(hashlib.file_digest(stream, "sha256").digest())
    return digest.hexdigest()[:32]


@contextmanager
def _unreadable_is_a_user_error(file: Path) -> Generator[None]:
    import pyarrow
    from datasets.exceptions import DatasetGenerationError

    try:
        yield
    except (DatasetGenerationError, pyarrow.ArrowInvalid, pyarrow.ArrowTypeError, ValueError) as error:
        reason = str(error.__cause__ or error).split("\n")[0]
        raise UserError(
            f"cannot be read ({reason[:200]})",
            where=str(file),
            cure="The file is damaged or not of the format its name says; fetch or write it again.",
        ) from error


def checked_columns(split: Dataset, columns: Sequence[str], *, where: str) -> Dataset:
    """`split` with just `columns`; UserError when one is missing or there is no row."""
    missing = [column for column in columns if column not in split.column_names]
    if missing:
        raise UserError(
            f"no column {missing[0]!r} (it has {', '.join(split.column_names)})",
            where=where,
            cure=f"Name the columns {', '.join(columns)}.",
        )
    if len(split) == 0:
        raise _no_rows(where)
    return split.select_columns(list(columns))


def _no_rows(where: str) -> UserError:
    return UserError("no rows", where=where, cure="Give a file with at least one row.")


def from_hub(
    repository: str, *, commit: str, splits: tuple[str, str], columns: Sequence[str], cache_dir: Path
) -> Splits:
    """Both splits of a hub data set at a commit. UserError when neither hub nor cache has them."""
    from datasets import Dataset, DownloadConfig, load_dataset

    loaded: list[Dataset] = []
    for split in splits:
        try:
            data = load_dataset(
                repository,
                revision=commit,
                split=split,
                # Without a hub the library takes the newest folder that it finds, of whatever commit.
                cache_dir=str(cache_dir / "datasets" / commit),
                download_config=DownloadConfig(local_files_only=not hub_reachable()),
            )
        except (ConnectionError, FileNotFoundError, ValueError) as error:
            raise missing(f"the data set {repository}", key="data.path", reason=error) from error
        assert isinstance(data, Dataset)
        loaded.append(checked_columns(data, columns, where=f"hub data set {repository}, split {split}"))
    return Splits(loaded[0], loaded[1], f"hub:{repository}@{commit}")


def from_rows(
    train: Sequence[Mapping[str, object]], official: Sequence[Mapping[str, object]], origin: str
) -> Splits:
    """Bundled rows as data sets."""
    from datasets import Dataset

    return Splits(
        Dataset.from_list([dict(row) for row in train]),
        Dataset.from_list([dict(row) for row in official]),
        origin,
    )
