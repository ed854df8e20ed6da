"""Which files make a split: what their names say is held to."""

from __future__ import annotations

import os
from pathlib import Path

import pandas as pd
import pytest

from errors import UserError
from tests.datamodules.folders import Content, fill, read, texts


def rows(word: str) -> Content:
    return f"sentence,label\na {word} film,0\nno {word} film,1\n"


def table(word: str) -> Content:
    return lambda path: pd.DataFrame({"sentence": [f"a {word} film"], "label": [1]}).to_parquet(path)


def of(word: str) -> list[str]:
    return [f"a {word} film", f"no {word} film"]


OTHER = {"validation.csv": rows("other")}
READ: dict[str, tuple[dict[str, Content], list[str]]] = {
    "numbered shards in the order of their numbers": (
        {f"train-{i}.csv": rows(f"{i}th") for i in (1, 10, 2, 3, 4, 5, 6, 7, 8, 9)},
        [text for i in range(1, 11) for text in of(f"{i}th")],
    ),
    "a complete set": (
        {f"train-{i:05d}-of-00002.csv": rows(f"{i}th") for i in (1, 0)}, of("0th") + of("1th")),
    "a set whose names end with a digest": (
        {"train-00000-of-00001-a09b74b3ef9c3b56.csv": rows("hub's")}, of("hub's")),
    "an empty shard": (
        {"train-0.csv": rows("first"), "train-1.csv": "sentence,label\n"}, of("first")),
    "a shard with a column more": (
        {"train-0.csv": rows("first"), "train-1.csv": "sentence,label,by\na film,1,me\n"}, [*of("first"), "a film"]),
    "a folder of parts, as Spark writes": (
        {"train.csv/part-10.csv": rows("last"), "train.csv/part-9.csv": rows("first"), "train.csv/_SUCCESS": ""},
        of("first") + of("last")),
    "names in capitals": ({"Train.CSV": rows("loud")}, of("loud")),
    "hidden files beside it": (
        {"train.csv": rows("good"), "._train.csv": b"\0\5", ".train.csv": rows("bad")}, of("good")),
    "a stray file beside it": (
        {"train.csv": rows("new"), "train-old.csv": rows("old"), "train (1).csv": rows("double"),
         "train2.csv": rows("more")}, of("new")),
}  # fmt: skip


@pytest.mark.parametrize("case", READ)
def test_a_split_is_all_its_files_and_no_other(tmp_path: Path, case: str) -> None:
    files, expected = READ[case]
    assert texts(read(fill(tmp_path / "data", {**files, **OTHER}))) == expected


def test_what_is_left_out_is_told(tmp_path: Path) -> None:
    files = {"train.csv": rows("new"), "train-old.csv": rows("old"), "train2.csv": rows("more"), **OTHER}
    train, official = read(fill(tmp_path / "data", files)).reads
    assert train.notes == ("'train-old.csv' is not read", "'train2.csv' is not read")
    assert official.notes == ()


def test_what_is_left_out_is_told_of_this_folder_though_the_rows_are_in_the_cache(tmp_path: Path) -> None:
    files = {"train.csv": rows("new"), **OTHER}
    folder = fill(tmp_path / "data", files)
    assert read(folder).reads[0].notes == ()
    fill(folder, {"train-old.csv": rows("old")})
    assert read(folder).reads[0].notes == ("'train-old.csv' is not read",)
    (folder / "train-old.csv").unlink()
    assert read(folder).reads[0].notes == ()


def dangling(path: Path) -> None:
    path.symlink_to("nowhere.csv")


REFUSED: dict[str, tuple[dict[str, Content], str]] = {
    "a shard missing": (
        {f"train-0000{i}-of-00004.csv": rows("x") for i in (0, 3)},
        "2 of the 4 shards of 'train' missing, the first is train-00001-of-00004.csv"),
    "the last shard missing": ({"train-00000-of-00002.csv": rows("x")}, "train-00001-of-00002.csv"),
    "a gap in the numbers": ({"train-1.csv": rows("x"), "train-3.csv": rows("x")}, "train-2.csv is missing"),
    "a number twice": ({"train-1.csv": rows("x"), "train-01.csv": rows("x")}, "have the number 1"),
    "a shard twice": (
        {f"train-00000-of-00001{end}.csv": rows("x") for end in ("", "-0123456789abcdef")},
        "shard 00000 of 00001 of the split 'train' stands there twice"),
    "sets of two sizes": (
        {f"train-0000{i}-of-0000{i + 1}.csv": rows("x") for i in (0, 1)}, "speak of 1 and of 2 files"),
    "a number that is too high": (
        {f"train-0000{i}-of-00002.csv": rows("x") for i in (1, 2)}, "shard 00002 of 00002"),
    "a whole file beside its shard": (
        {"train.csv": rows("x"), "train-00000-of-00001.csv": rows("x")}, "more than once"),
    "two formats": ({"train.csv": rows("x"), "train.parquet": table("x")}, "in 2 formats"),
    "a stray file alone": ({"train-old.csv": rows("x")}, "Name it train.csv"),
    "packed": ({"train.csv.gz": b"\x1f\x8b"}, "the folder holds 'train.csv.gz'). Unpack it"),
    "json": ({"train.json": "[]"}, "as train.jsonl"),
    "ndjson": ({"train.ndjson": "{}"}, "Name it train.jsonl"),
    "what save_to_disk leaves": (
        {"train/data-00000-of-00001.arrow": "", "dataset_dict.json": "{}"}, "with the library's to_parquet"),
    "splits in a folder below": ({"data/train-00000-of-00001.parquet": table("x")}, "Give data.path="),
    "splits in several folders below": (
        {"films/train.parquet": table("x"), "books/train.parquet": table("x")},
        "/data/… with 'books', 'films'"),
    "a folder with something else": (
        {"train.csv/part-0.csv": rows("x"), "train.csv/notes.md": ""}, "holds 'notes.md' beside its parts"),
    "a folder without parts": ({"train.csv/_SUCCESS": ""}, "is a folder without parts"),
    "a link to nothing": ({"train.csv": dangling}, "is a link to a file that is not there"),
    "a pipe": ({"train.csv": os.mkfifo}, "is not a file"),
    "another shard without the label": (
        {"train-0.csv": rows("x"), "train-1.csv": "sentence\nx\n"}, "train-1.csv: no column 'label'"),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_a_split_is_one_line(tmp_path: Path, case: str) -> None:
    files, expected = REFUSED[case]
    with pytest.raises(UserError) as caught:
        read(fill(tmp_path / "data", {**files, **OTHER}))
    assert expected in str(caught.value)
    assert str(tmp_path / "data") in str(caught.value)


@pytest.mark.parametrize("name", ["mine[1]", "mine?", "m*", "a::b", "zip:a", "{a,mine1}", "**"])
def test_the_name_of_a_folder_is_no_pattern(tmp_path: Path, name: str) -> None:
    fill(tmp_path / "mine1", {"train.csv": rows("foreign"), **OTHER})
    folder = fill(tmp_path / name, {"train.csv": rows("own"), **OTHER})
    splits = read(folder)
    assert texts(splits) == of("own")
    assert splits.origin == str(folder)
