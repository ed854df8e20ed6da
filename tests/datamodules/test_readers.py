"""Rows of parquet, jsonl and txt files, and what is kept of all of them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from datasets import ClassLabel, Dataset, Features, Value
from pyarrow import parquet

from errors import UserError
from tests.datamodules.folders import REVIEWS, STORIES, Content, fill, labels, read, texts

END = "<|endoftext|>"
FILMS = {"sentence": ["a dull film", "a fine film"], "label": [0, 1]}


def frame(**columns: object) -> Content:
    return lambda path: pd.DataFrame({**FILMS, **columns}).to_parquet(path)


def table(**columns: object) -> Content:
    return lambda path: parquet.write_table(pa.table({**FILMS, **columns}), path)


def named(*names: str) -> Content:
    features = Features({"sentence": Value("string"), "label": ClassLabel(names=list(names))})
    return lambda path: Dataset.from_dict(FILMS, features=features).to_parquet(str(path))


def raw_text(path: Path) -> None:
    """A string column whose second value is not UTF-8, which no writer checks."""
    raw = b"a filmcaf\xe9"
    buffers = [None, pa.py_buffer(np.array([0, 6, 10], dtype=np.int32)), pa.py_buffer(raw)]
    column = pa.Array.from_buffers(pa.string(), 2, buffers)
    parquet.write_table(pa.table({"sentence": column, "label": [0, 1]}), path)


def metadata(told: bytes) -> Content:
    return lambda path: parquet.write_table(
        pa.table(FILMS).replace_schema_metadata({b"huggingface": told}), path
    )


def json_lines(*rows: object) -> str:
    return "".join(f"{json.dumps(row)}\n" for row in rows)


GOOD = {"sentence": "a dull film", "label": 0}
READ: dict[str, tuple[str, Content, list[int]]] = {
    "positive first": ("parquet", named("positive", "negative"), [1, 0]),
    "negative first": ("parquet", named("neg", "pos"), [0, 1]),
    "whole floats": ("parquet", frame(label=[0.0, 1.0]), [0, 1]),
    "bytes": ("parquet", table(label=pa.array([0, 1], pa.uint8())), [0, 1]),
    "categories": ("parquet", frame(sentence=pd.Categorical(FILMS["sentence"])), [0, 1]),
    "raw texts": ("parquet", table(sentence=[text.encode() for text in FILMS["sentence"]]), [0, 1]),
    "large texts": ("parquet", table(sentence=pa.array(FILMS["sentence"], pa.large_string())), [0, 1]),
    "json with a byte-order mark and CR LF": (
        "jsonl", "\ufeff" + json_lines(GOOD, {**GOOD, "sentence": "a fine film", "label": 1.0}).replace("\n", "\r\n"),
        [0, 1]),
    "json with blank lines": (
        "jsonl", json_lines(GOOD).strip() + "\n\n" + '{"label": 1, "sentence": "a fine film", "by": {}}\n\n', [0, 1]),
}  # fmt: skip


@pytest.mark.parametrize("case", READ)
def test_rows_are_read_as_they_were_written(tmp_path: Path, case: str) -> None:
    kind, content, expected = READ[case]
    splits = read(fill(tmp_path / "data", {f"{split}.{kind}": content for split in ("train", "validation")}))
    assert texts(splits) == FILMS["sentence"]
    assert labels(splits) == expected
    assert splits.reads[0].label_counts == {"negative": 1, "positive": 1}


REFUSED: dict[str, tuple[str, Content, str]] = {
    "names that are not known": ("parquet", named("good", "bad"), "its own metadata calls the labels 'good', 'bad'"),
    "three names": ("parquet", named("negative", "neutral", "positive"), "names 3 labels"),
    "a pointer": ("parquet", "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\n", "a pointer of Git LFS"),
    "a name too many": ("parquet", named("neg", "pos", "none"), "'neg', 'pos', 'none'"),
    "metadata that is none": ("parquet", metadata(b"["), "has metadata of the library `datasets` that cannot be read"),
    "metadata of another shape": ("parquet", metadata(b"[]"), "that cannot be read"),
    "metadata nested deeply": ("parquet", metadata(b"[" * 100_000), "that cannot be read (maximum recursion"),
    "a label missing": ("parquet", frame(label=[0, None]), "row 1: the label is missing (None)"),
    "a label out of range": ("parquet", frame(label=[0, 2]), "row 1: label 2"),
    "labels as texts": ("parquet", frame(label=["0", "1"]), "row 0: label '0' is a text"),
    "labels as truth": ("parquet", frame(label=[False, True]), "row 0: label False"),
    "lists": ("parquet", table(sentence=[["a"], ["b"]]), "the column 'sentence' holds list<element: string>"),
    "numbers": ("parquet", frame(sentence=[10000, 2]), "the column 'sentence' holds int64 and no texts"),
    "no text": ("parquet", frame(sentence=["a", None]), "row 1: 'sentence' is None"),
    "white space": ("parquet", frame(sentence=["a", " \n\u2028"]), "row 1: 'sentence' is ' \\n\\u2028'"),
    "raw bytes": ("parquet", table(sentence=[b"a", b"caf\xe9"]), "row 1: the text is not UTF-8"),
    "unchecked bytes": ("parquet", raw_text, "row 1: the text is not UTF-8"),
    "no parquet": ("parquet", b"sentence,label\n", "cannot be read"),
    "a line cut off": ("jsonl", json_lines(GOOD) + '{"sentence":', "row 1 (line 2) is no JSON object"),
    "a line nested deeply": ("jsonl", json_lines(GOOD) + "[" * 100_000 + "]" * 100_000, "row 1 (line 2) is no JSON"),
    "a number": ("jsonl", "\n" + json_lines(GOOD, 5), "row 1 (line 3) is 5 and no JSON object"),
    "an array": ("jsonl", json.dumps([GOOD]), "is one JSON array"),
    "a key twice": ("jsonl", '{"sentence": "a", "label": 0, "label": 1}', "the key 'label' stands there twice"),
    "a key missing": ("jsonl", json_lines(GOOD, {"sentence": "a"}), "row 1 (line 2): no key 'label'"),
    "a number as text": ("jsonl", json_lines(GOOD, {"sentence": 1, "label": 0}), "row 1 (line 2): 'sentence' is 1"),
    "a text as label": ("jsonl", json_lines({**GOOD, "label": "1"}), "row 0 (line 1): label '1' is a text"),
    "no number": ("jsonl", json_lines({**GOOD, "label": float("nan")}), "row 0 (line 1): the label is missing (nan)"),
    "half a character": ("jsonl", json_lines(GOOD, {**GOOD, "sentence": "\ud800"}), "row 1 (line 2): half of a surr"),
    "latin-1": ("jsonl", (json_lines(GOOD) + '{"sentence": "\xe9"').encode("latin-1"), "at byte 54 (line 2)"),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_a_bad_value_is_named_with_its_row(tmp_path: Path, case: str) -> None:
    kind, content, expected = REFUSED[case]
    folder = fill(tmp_path / "data", {f"train.{kind}": content, f"validation.{kind}": content})
    with pytest.raises(UserError) as caught:
        read(folder, REVIEWS)
    assert str(caught.value).startswith(f"{folder}/train.{kind}: ")
    assert expected in str(caught.value)


STORY_FILES: dict[str, tuple[str, list[str], int]] = {
    "empty ones": (f"One.{END}{END} \n {END}Two.{END}\n", ["One.", "Two."], 2),
    "a mark at the beginning": (f"{END}\nOne.{END}Two.", ["One.", "Two."], 0),
    "Windows": (f"\ufeffOne\r\nand.\r\n{END}\r\nTwo.\r\n", ["One\nand.", "Two."], 0),
    "an old Mac": (f"One\rand.\r{END}\rTwo.\r", ["One\nand.", "Two."], 0),
    "both kinds of line ends": (f"One\r\nand.\n{END}\nTwo.", ["One\r\nand.", "Two."], 0),
}


@pytest.mark.parametrize("case", STORY_FILES)
def test_stories_of_a_text_file(tmp_path: Path, case: str) -> None:
    content, expected, empty = STORY_FILES[case]
    splits = read(fill(tmp_path / "data", {"train.txt": content, "validation.txt": f"One.{END}"}), STORIES)
    assert [text.strip() for text in texts(splits)] == expected
    (file,) = splits.reads[0].files
    assert (splits.reads[0].dropped.get("empty", 0), file.counted, file.rows) == (
        empty, len(expected) + empty, len(expected) + empty,
    )  # fmt: skip
    ends = {"Windows": "CR LF", "an old Mac": "CR alone"}
    notes = [f"the lines of train.txt end with {ends[case]}: read as LF"] if case in ends else []
    assert list(splits.reads[0].notes) == notes


def test_stories_without_text_are_left_out_and_counted(tmp_path: Path) -> None:
    files = {
        "train.jsonl": json_lines({"text": "One."}, {"text": None}, {"text": " "}),
        "validation.jsonl": "",
    }
    with pytest.raises(UserError, match=r"validation.jsonl: no rows"):
        read(fill(tmp_path / "data", files), STORIES)
    splits = read(fill(tmp_path / "data", {"validation.jsonl": json_lines({"text": "Two."})}), STORIES)
    assert texts(splits) == ["One."]
    assert (splits.reads[0].rows, splits.reads[0].dropped) == (1, {"empty": 2})


def test_rows_that_were_altered_in_the_cache_are_read_anew(tmp_path: Path) -> None:
    files = {f"{split}.jsonl": json_lines(GOOD, GOOD) for split in ("train", "validation")}
    told: list[str] = []
    first = read(fill(tmp_path / "data", files), REVIEWS, told)
    (kept,) = (tmp_path / "data cache" / "rows").glob("*/train.arrow")
    kept.write_bytes(kept.read_bytes().replace(b"dull", b"good"))
    again = read(tmp_path / "data", REVIEWS, told)
    assert texts(again) == ["a dull film"] * 2
    assert again.reads == first.reads
    assert len(told) == 1
    assert "train.arrow that is not what was written" in told[0]


def test_what_was_read_is_told(tmp_path: Path) -> None:
    files = {
        "train-0.parquet": frame(),
        "train-1.parquet": frame(label=[1, 1]),
        "validation.parquet": frame(),
    }
    train, official = read(fill(tmp_path / "data", files)).reads
    assert (train.split, official.split, train.origin) == ("train", "validation", str(tmp_path / "data"))
    assert [(one.name, one.rows, one.counted, one.counted_by) for one in train.files] == [
        (f"train-{i}.parquet", 2, 2, "parquet metadata") for i in (0, 1)
    ]
    assert (train.rows, train.label_counts) == (4, {"negative": 1, "positive": 3})
    assert (train.first, train.last) == ("a dull film", "a fine film")
