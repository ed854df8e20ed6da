"""The texts of a file of somebody's own."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest

from datamodules.file_texts import names_a_file, texts_of_file
from errors import UserError

TEXTS = ["a plain one", 'with "quotes", and a comma', "naïve 漢字 \N{THUMBS UP SIGN}"]


def written(folder: Path, suffix: str) -> Path:
    file, frame = folder / f"texts{suffix}", pd.DataFrame({"label": [0, 1, 0], "review": TEXTS})
    match suffix:
        case ".txt":
            file.write_text("\n\n".join(f" {text} " for text in TEXTS) + "\n")
        case ".csv":
            frame.to_csv(file, index=False)
        case ".tsv":
            frame.to_csv(file, index=False, sep="\t")
        case ".jsonl":
            file.write_text("".join(json.dumps({"review": text, "x": 1}) + "\n" for text in TEXTS))
        case _:
            frame.to_parquet(file)
    return file


@pytest.mark.parametrize("suffix", [".txt", ".csv", ".tsv", ".jsonl", ".parquet"])
def test_each_format_gives_the_same_texts(tmp_path: Path, suffix: str) -> None:
    quoting = "quoted" if suffix == ".tsv" else "auto"
    assert list(texts_of_file(written(tmp_path, suffix), column="review", quoting=quoting)) == TEXTS


def test_marks_that_may_be_either_ones_are_told_with_the_option(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="--quoting quoted"):
        list(texts_of_file(written(tmp_path, ".tsv"), column="review"))


@pytest.mark.parametrize("suffix", [".csv", ".jsonl", ".parquet"])
def test_a_column_that_is_not_there_is_told(tmp_path: Path, suffix: str) -> None:
    with pytest.raises(UserError, match="text"):
        list(texts_of_file(written(tmp_path, suffix), column="text"))


def test_a_row_without_text_is_told_with_its_number(tmp_path: Path) -> None:
    file = tmp_path / "rows.jsonl"
    for odd in ('"  "', "null", "3", '"\\ud800"'):
        file.write_text(f'{{"text": "a"}}\n{{"text": {odd}}}\n')
        with pytest.raises(UserError, match="row 1"):
            list(texts_of_file(file, column="text"))


def test_a_file_that_is_not_there_or_no_text_is_told(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no such file"):
        list(texts_of_file(tmp_path / "none.txt", column="text"))
    (tmp_path / "odd.txt").write_bytes(b"a\xff\n")
    with pytest.raises(UserError, match="UTF-8"):
        list(texts_of_file(tmp_path / "odd.txt", column="text"))


def test_what_names_a_file(tmp_path: Path) -> None:
    spaced = tmp_path / "my texts.txt"
    spaced.write_text("a")
    assert names_a_file(str(spaced))
    assert not names_a_file("word " * 10_000 + "a.txt")
    assert [names_a_file(name) for name in ("a.txt", "x/B.CSV", "I love .txt", "nice.", "a.pdf")] == [
        True, True, False, False, False,
    ]  # fmt: skip
