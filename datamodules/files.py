"""Which files of a folder make a split: one file, or all shards that their names speak of."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from errors import UserError
from host.boundary import boundary
from host.text import shown, shown_list

# train-00000-of-00002.parquet, as the hub's libraries write them, some with a digest after the total; train-1.csv.
_OF_TOTAL = re.compile(r"-(\d{1,9})-of-(\d{1,9})(?:-[0-9a-f]{16})?")
_NUMBERED = re.compile(r"-(\d{1,9})")
_PACKED = (".gz", ".zst", ".bz2", ".xz", ".zip")
_TABLES = (".parquet", ".jsonl", ".csv", ".tsv")
_ONE_PLACE = "One split is one file or one set of shards: move the rest out of this folder."


@dataclass(frozen=True)
class SplitFiles:
    """The files of one split in the order of their rows; suffix: their format; notes: what lies beside them."""

    files: tuple[Path, ...]
    suffix: str
    notes: tuple[str, ...] = ()


def files_of_splits(folder: Path, splits: Sequence[str], *, texts: bool) -> list[SplitFiles]:
    """The files of each split in `folder`; `texts`: `<split>.txt` is one, too.

    Nothing is opened, so what is missing is told at once. Raises UserError as `files_of_split` does, and where there is
    no folder.
    """
    if not folder.is_dir():
        raise UserError(
            "no such folder" if not folder.exists() else "not a folder",
            where=f"data.path={folder}",
            cure="Give a folder that holds both splits (parquet, jsonl, csv or tsv).",
        )
    suffixes = [*_TABLES, *([".txt"] if texts else [])]
    with boundary("cannot be read", where=f"data.path={folder}", cure="Give a folder that can be listed."):
        return [files_of_split(folder, split, suffixes) for split in splits]


def files_of_split(folder: Path, split: str, suffixes: Sequence[str]) -> SplitFiles:
    """The file `<split><suffix>`, or its shards `<split>-00000-of-00002<suffix>` or `<split>-0<suffix>`.

    The case of names does not count; a folder of such a name, as Spark writes it, is the files in it. A file
    `<split>-<something else>` is left out with a note. Raises UserError where a shard is missing or stands twice,
    where there are several formats or a whole file beside shards, and where there is none.
    """
    found: dict[str, list[Path]] = {suffix: [] for suffix in suffixes}
    for entry in sorted(folder.iterdir()):
        name = entry.name.lower()
        suffix = next((suffix for suffix in suffixes if name.endswith(suffix)), None)
        if suffix is not None and name.removesuffix(suffix).startswith(split):
            found[suffix].append(entry)
    made = [
        one for suffix, entries in found.items() if (one := _of_one_format(folder, entries, split, suffix))
    ]
    if len(made) > 1:
        names = shown_list(one.files[0].name for one in made)
        raise UserError(
            f"the split {split!r} stands there in {len(made)} formats ({names})",
            where=f"data.path={folder}",
            cure=_ONE_PLACE,
        )
    if not made:
        raise _no_file(folder, split, suffixes)
    return made[0]


def _of_one_format(folder: Path, entries: Sequence[Path], split: str, suffix: str) -> SplitFiles | None:
    middles = {entry: entry.name[len(split) : len(entry.name) - len(suffix)] for entry in entries}
    whole = [entry for entry, middle in middles.items() if not middle]
    of_total = {entry: m for entry, middle in middles.items() if (m := _OF_TOTAL.fullmatch(middle))}
    numbered = {entry: m for entry, middle in middles.items() if (m := _NUMBERED.fullmatch(middle))}
    kinds = [list(kind) for kind in (whole, of_total, numbered) if kind]
    if not kinds:
        return None
    if len(kinds) > 1 or len(whole) > 1:
        names = shown_list(entry.name for kind in kinds for entry in kind)
        raise UserError(
            f"the split {split!r} stands there more than once ({names})",
            where=f"data.path={folder}",
            cure=_ONE_PLACE,
        )
    if whole:
        files = _parts(whole[0], suffix)
    elif of_total:
        files = _complete({e: (int(m[1]), int(m[2])) for e, m in of_total.items()}, folder, split, suffix)
    else:
        files = _without_gaps({e: int(m[1]) for e, m in numbered.items()}, folder, split, suffix)
    for file in files:
        _check_readable(file)
    strays = [e.name for e, middle in middles.items() if e not in kinds[0] and not middle[:1].isalpha()]
    return SplitFiles(tuple(files), suffix, tuple(f"{shown(name)} is not read" for name in strays))


def _complete(shards: dict[Path, tuple[int, int]], folder: Path, split: str, suffix: str) -> list[Path]:
    """Shards of `number of total`, in order; UserError unless each number of one total stands there once."""
    totals = sorted({total for _, total in shards.values()})
    if len(totals) > 1:
        raise UserError(
            f"the shards of {split!r} speak of {totals[0]} and of {totals[1]} files",
            where=f"data.path={folder}",
            cure="Keep those of one data set.",
        )
    total, numbers = totals[0], sorted(number for number, _ in shards.values())
    missing = next((i for i, number in enumerate([*numbers, None]) if number != i and i < total), None)
    if len(set(numbers)) < len(numbers) or numbers[-1] >= total:
        wrong = next((n for n, m in pairwise(numbers) if n == m), numbers[-1])
        raise UserError(
            f"shard {wrong:05d} of {total:05d} of the split {split!r} "
            + ("stands there twice" if wrong < total else "has a number that is too high (they begin at 0)"),
            where=f"data.path={folder}",
            cure="Keep those of one data set.",
        )
    if missing is not None:
        raise UserError(
            f"{total - len(numbers)} of the {total} shards of {split!r} missing, "
            f"the first is {split}-{missing:05d}-of-{total:05d}{suffix}",
            where=f"data.path={folder}",
            cure="Fetch them all; a part of the data is other data.",
        )
    return sorted(shards, key=lambda entry: shards[entry])


def _without_gaps(shards: dict[Path, int], folder: Path, split: str, suffix: str) -> list[Path]:
    """Numbered shards in the order of their numbers, from 0 or 1 on; UserError where one is missing or is double."""
    files = sorted(shards, key=lambda entry: shards[entry])
    expected = min(shards.values()) if min(shards.values()) <= 1 else 0
    for file in files:
        if shards[file] < expected:
            raise UserError(
                f"two shards of {split!r} have the number {shards[file]}",
                where=f"data.path={folder}",
                cure=_ONE_PLACE,
            )
        if shards[file] > expected:
            raise UserError(
                f"{split}-{expected}{suffix} is missing before {file.name}",
                where=f"data.path={folder}",
                cure=f"Number the shards from 0 or 1 on without a gap, or name one file {split}{suffix}.",
            )
        expected += 1
    return files


def _parts(entry: Path, suffix: str) -> list[Path]:
    """The file itself, or the parts of a folder that has its name, as Spark and dask write a table."""
    if not entry.is_dir():
        return [entry]
    parts = [part for part in entry.iterdir() if not part.name.startswith((".", "_"))]
    odd = next((part.name for part in sorted(parts) if not part.name.lower().endswith(suffix)), None)
    if odd is not None or not parts:
        raise UserError(
            "is a folder without parts"
            if odd is None
            else f"is a folder that holds {shown(odd)} beside its parts",
            where=str(entry),
            cure=f"Give a file, or a folder of nothing but {suffix} files.",
        )
    return sorted(parts, key=_in_order_of_numbers)


def _in_order_of_numbers(part: Path) -> list[tuple[int, str]]:
    """Key that puts part.2 before part.10."""
    return [(int(piece), "") if piece.isdigit() else (-1, piece) for piece in re.split(r"(\d+)", part.name)]


def _check_readable(file: Path) -> None:
    if not file.exists():
        raise UserError("is a link to a file that is not there", where=str(file), cure="Mend the link.")
    if not file.is_file():
        raise UserError("is not a file", where=str(file), cure="Give a file.")
    if not os.access(file, os.R_OK):
        raise UserError("may not be read", where=str(file), cure="Have its mode changed.")


def _has_split(folder: Path, split: str) -> bool:
    return any(entry.is_file() and entry.name.lower().startswith(split) for entry in folder.iterdir())


def _no_file(folder: Path, split: str, suffixes: Sequence[str]) -> UserError:
    names = sorted(entry.name for entry in folder.iterdir())
    cure = f"Put one of {', '.join(split + suffix for suffix in suffixes)} there."
    near = [name for name in names if name.lower().startswith(split)]
    if any(name.lower().endswith(_PACKED) for name in near):
        cure = "Unpack it."
    elif any(name.lower().endswith(".json") for name in near):
        cure = f"Write it with one row a line, as {split}.jsonl."
    elif any(name.lower().endswith(".ndjson") for name in near):
        cure = f"Name it {split}.jsonl."
    elif "dataset_dict.json" in names or any(name.lower().endswith(".arrow") for name in names):
        cure = f"Write each split with the library's to_parquet, as {split}.parquet."
    elif inner := [n for n in names if (folder / n).is_dir() and _has_split(folder / n, split)]:
        cure = f"Give data.path={folder / inner[0]}."
        if len(inner) > 1:
            cure = (
                f"Give the one of its folders that is meant: data.path={folder}/… with {shown_list(inner)}."
            )
    elif suffix := next((s for name in near for s in suffixes if name.lower().endswith(s)), None):
        cure = f"Name it {split}{suffix} or, if these are shards, {split}-00000-of-00002{suffix}."
    present = shown_list(near or names) if names else "nothing"
    return UserError(
        f"no file for the split {split!r} (the folder holds {present})",
        where=f"data.path={folder}",
        cure=cure,
    )
