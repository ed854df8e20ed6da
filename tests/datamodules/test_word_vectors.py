"""Files of word vectors: what is read, to the bit, and what is refused, with its place."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet

from datamodules.word_vectors import parquet_of, read_word_vectors
from errors import UserError

WORDS = ["frog", "naïve", "3"]
ROWS = [[0.1, -2.0], [1e-7, 3.5], [0.0, 7.0]]


def table(file: Path, words: Any, rows: Any, kind: pa.DataType | None = None) -> Path:
    kind = kind or pa.list_(pa.float32())
    parquet.write_table(pa.table({"word": words, "vector": pa.array(rows, kind)}), file)
    return file


def text(file: Path, content: str) -> Path:
    file.write_bytes(content.encode())
    return file


def test_one_set_of_vectors_is_the_same_whatever_file_holds_it(tmp_path: Path) -> None:
    kinds = [pa.list_(pa.float32()), pa.large_list(pa.float32()), pa.list_(pa.float32(), 2)]
    lines = [f"{word} {row[0]} {row[1]}" for word, row in zip(WORDS, ROWS, strict=True)]
    files = [table(tmp_path / f"{at}.parquet", WORDS, ROWS, kind) for at, kind in enumerate(kinds)] + [
        text(tmp_path / "glove.txt", "\n".join(lines) + "\n"),
        text(tmp_path / "windows.txt", "\r\n".join(lines)),
        text(tmp_path / "word2vec.txt", "3 2\n" + " \n".join(lines)),
    ]
    found = [read_word_vectors(file) for file in files]
    for one in found:
        assert one.words == tuple(WORDS)
        assert one.matrix_VD.dtype == np.float32
        assert np.array_equal(one.matrix_VD, np.array(ROWS, np.float32))
    assert len({one.digest for one in found}) == 1
    assert (found[0].rows["3"], found[0].dimensions) == (2, 2)


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    found = read_word_vectors(text(tmp_path / "a.txt", "a 1 2.5\n\u00a0 3 4\nc 5 6\n"))
    (tmp_path / "b.parquet").write_bytes(parquet_of(found))
    again = read_word_vectors(tmp_path / "b.parquet")
    assert (again.words, again.digest) == (found.words, found.digest)
    assert parquet_of(again) == parquet_of(found)


def test_the_digest_is_of_words_and_numbers(tmp_path: Path) -> None:
    asked = [
        ("a.txt", "ab 1 2\nc 3 4\n"),
        ("b.txt", "a 1 2\nbc 3 4\n"),
        ("c.txt", "ab 1 2\nc 3 4.0000005\n"),
        ("d.txt", "c 3 4\nab 1 2\n"),
    ]
    assert len({read_word_vectors(text(tmp_path / name, content)).digest for name, content in asked}) == 4


def test_a_word_may_hold_blanks_and_odd_characters(tmp_path: Path) -> None:
    file = text(tmp_path / "a.txt", "the 1 2\n. . . 3 4\n\x85 5 6\nat name@x.org 7 8\n\u00a0 9 10\n")
    found = read_word_vectors(file)
    assert found.words == ("the", ". . .", "\x85", "at name@x.org", "\u00a0")
    assert found.matrix_VD[1].tolist() == [3, 4]


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("", "no rows"),
        ("a 1 2\nb 3\n", "line 2 has 1 numbers behind its word, and 2"),
        ("a 1 2\nb 3 4 5\n", "line 2 has 3 numbers behind its word, and 2"),
        ("a 1 2\n\nb 3 4\n", "line 2 has 0 numbers"),
        ("a\nb\n", "line 1 has 0 numbers behind its word, and at least 1"),
        ("a 1 x\nb 3 4\n", "line 1 has 1 numbers"),
        ("a 1 2\nb 1 2\na 3 4\n", r"line 3: 'a' stands there already \(line 1\)"),
        ("a 1 2\n 3 4\n", "line 2 has no word"),
        ("a 1 2\nb nan 4\n", "line 2: the vector of 'b'"),
        ("2 2\na 1 2\nb inf 4\n", "line 3: the vector of 'b'"),
        ("a 1 2\nb 1e39 4\n", "line 2: the vector of 'b'"),
        ("3 2\na 1 2\nb 3 4\n", "has 2 words, and its first line says 3"),
        ("PK\x03\x04 1\n", "zip"),
    ],
)
def test_text_that_does_not_hold_is_told_with_its_line(tmp_path: Path, content: str, told: str) -> None:
    file = text(tmp_path / "a.txt", content)
    with pytest.raises(UserError, match=told) as raised:
        read_word_vectors(file)
    assert raised.value.where == str(file)


@pytest.mark.parametrize(
    ("words", "rows", "told"),
    [
        ([], [], "no rows"),
        (["a", "b"], [[1, 2], [3]], "row 1 has 1 numbers, and the first has 2"),
        (["a", "b"], [[1, 2], None], "row 1 has no vector"),
        (["a", "b"], [[], []], "row 0 has no vector"),
        (["a", "b", "a"], [[1], [2], [3]], r"row 2: 'a' stands there already \(row 0\)"),
        (["a", ""], [[1], [2]], "row 1 has no word"),
        (["a", None], [[1], [2]], "row 1: the word is None"),
        ([1, 2], [[1], [2]], "row 0: the word is 1"),
        (["a", "b"], [[1, 2], [3, None]], "row 1: the vector of 'b'"),
        (["a", "b"], [[1, 2], [3, math.inf]], "row 1: the vector of 'b'"),
    ],
)
def test_parquet_that_does_not_hold_is_told_with_its_row(
    tmp_path: Path, words: Any, rows: Any, told: str
) -> None:
    file = table(tmp_path / "a.parquet", words, rows)
    with pytest.raises(UserError, match=told) as raised:
        read_word_vectors(file)
    assert raised.value.where == str(file)


def test_a_file_of_another_kind_is_told(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no such file"):
        read_word_vectors(tmp_path / "a.txt")
    with pytest.raises(UserError, match="pickles"):
        read_word_vectors(text(tmp_path / "a.kv", "a 1\n"))
    parquet.write_table(pa.table({"text": ["a"]}), tmp_path / "b.parquet")
    with pytest.raises(UserError, match="columns 'text'"):
        read_word_vectors(tmp_path / "b.parquet")
    with pytest.raises(UserError, match="holds string"):
        read_word_vectors(table(tmp_path / "c.parquet", ["a"], ["1 2"], pa.string()))
    with pytest.raises(UserError, match="damaged"):
        read_word_vectors(text(tmp_path / "d.parquet", "a 1 2\n"))


def test_a_folder_stands_for_its_one_file(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"no \.parquet or \.txt"):
        read_word_vectors(tmp_path)
    text(tmp_path / "a.txt", "a 1 2\n")
    text(tmp_path / "readme.md", "of GloVe")
    assert read_word_vectors(tmp_path).words == ("a",)
    text(tmp_path / "b.txt", "a 1 2\n")
    with pytest.raises(UserError, match=r"'a\.txt', 'b\.txt'"):
        read_word_vectors(tmp_path)
