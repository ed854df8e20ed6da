"""Folders of rows that tests write, and what is read of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from datamodules.readers.quoting import Said
from datamodules.readers.raw import Wanted
from datamodules.sources import Splits, from_folder

REVIEWS = Wanted("sentence", "label", ("negative", "positive"))
STORIES = Wanted("text")
Content = str | bytes | Callable[[Path], object]


def fill(folder: Path, files: Mapping[str, Content]) -> Path:
    """Write each file: a text in UTF-8, bytes, or what a function does with its path."""
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if callable(content):
            content(path)
        else:
            path.write_bytes(content.encode() if isinstance(content, str) else content)
    return folder


def read(
    folder: Path, wanted: Wanted = REVIEWS, told: list[str] | None = None, quoting: Said = "auto"
) -> Splits:
    """Both splits, with a cache beside the folder; told: gets what was made again."""
    return from_folder(
        folder,
        splits=("train", "validation"),
        wanted=wanted,
        separator="<|endoftext|>" if wanted is STORIES else None,
        quoting=quoting,
        cache_dir=folder.parent / f"{folder.name} cache",
        on_remade=(told if told is not None else []).append,
    )


def texts(splits: Splits) -> list[str]:
    """Of the train split."""
    return list(splits.train[:][splits.train.column_names[0]])


def labels(splits: Splits) -> list[int]:
    """Of the train split."""
    return list(splits.train[:]["label"])
