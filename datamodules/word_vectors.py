"""Word vectors as they stand in a file: parquet, or the text that GloVe and word2vec write. No pickles.

Legend: V words, D numbers of a vector.
"""

from __future__ import annotations

import hashlib
import re
from array import array
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from datamodules.text_files import check_is_no_pointer, check_plain_text, text_lines, text_pieces
from errors import UserError
from host.boundary import boundary
from host.text import shown, shown_list

if TYPE_CHECKING:
    import pyarrow as pa

WORD, VECTOR = "word", "vector"
_SUFFIXES = (".parquet", ".txt")
_HEADER = re.compile(r"(\d+) (\d+)")  # of word2vec's text: how many words, how many numbers
_DAMAGED = "The file is damaged or no parquet; fetch or write it again."
_MEND = "Mend or drop that row."


@dataclass(frozen=True, eq=False)
class WordVectors:
    """words: in the order of the file, each once. matrix_VD: float32, finite; row i belongs to word i.

    digest: sha256 over words and numbers, the same whatever kind of file held them. origin: the file.
    """

    words: tuple[str, ...]
    matrix_VD: NDArray[np.float32]
    digest: str
    origin: str

    @cached_property
    def rows(self) -> Mapping[str, int]:
        """The row of each word."""
        return {word: row for row, word in enumerate(self.words)}

    @property
    def dimensions(self) -> int:
        """D."""
        return int(self.matrix_VD.shape[1])


def read_word_vectors(path: Path) -> WordVectors:
    """The vectors of a file, or of the one such file in a folder.

    Raises UserError, with the row, for a word that stands there twice or is empty, a row of another length, a number
    that is none or not finite; and for a file that has no rows or is of another kind.
    """
    file = vectors_file(path)
    words, matrix_VD, first = _of_parquet(file) if file.suffix.lower() == ".parquet" else _of_text(file)
    if not words:
        raise UserError("has no rows", where=str(file), cure="Give a file with at least one word.")
    _check(words, matrix_VD, first, file)
    return word_vectors(words, matrix_VD, origin=str(file))


def word_vectors(words: Sequence[str], matrix_VD: NDArray[np.float32], *, origin: str) -> WordVectors:
    """Vectors that are known to hold: each word once, every number finite."""
    digest = hashlib.sha256(repr(matrix_VD.shape).encode())
    for word in words:
        name = word.encode()
        digest.update(f"{len(name)}:".encode() + name)
    digest.update(np.ascontiguousarray(matrix_VD, dtype="<f4").tobytes())
    return WordVectors(tuple(words), matrix_VD, digest.hexdigest(), origin)


def parquet_of(vectors: WordVectors) -> bytes:
    """A file that `read_word_vectors` reads; the same vectors give the same bytes."""
    import pyarrow as pa
    from pyarrow import parquet

    rows, dimensions = vectors.matrix_VD.shape
    numbers = pa.array(np.ascontiguousarray(vectors.matrix_VD).reshape(-1), pa.float32())
    offsets = pa.array(np.arange(0, (rows + 1) * dimensions, dimensions), pa.int64())
    columns = {WORD: list(vectors.words), VECTOR: pa.LargeListArray.from_arrays(offsets, numbers)}
    sink = pa.BufferOutputStream()
    parquet.write_table(pa.table(columns), sink, compression="zstd")
    return sink.getvalue().to_pybytes()


def vectors_file(path: Path) -> Path:
    """The file itself, or the one .parquet or .txt of a folder; UserError where there is none or another kind."""
    file = _only_file(path) if path.is_dir() else path
    if not file.exists():
        raise UserError("no such file", where=str(file), cure="Give a .parquet or .txt file, or its folder.")
    if not file.is_file() or file.suffix.lower() not in _SUFFIXES:
        raise UserError(
            "is no file of word vectors that is read here",
            where=str(file),
            cure=(
                f"Give parquet with the columns {WORD} and {VECTOR}, or GloVe's text as .txt; "
                "pickles, as gensim saves them, run what is in them."
            ),
        )
    return file


def _only_file(folder: Path) -> Path:
    with boundary("cannot be read", where=str(folder), cure="Give a folder that can be listed."):
        files = sorted(entry for entry in folder.iterdir() if entry.suffix.lower() in _SUFFIXES)
    if len(files) != 1:
        held = f"holds {shown_list(file.name for file in files)}" if files else "holds no .parquet or .txt"
        raise UserError(held, where=str(folder), cure="Give the one file that is meant.")
    return files[0]


def _of_parquet(file: Path) -> tuple[list[str], NDArray[np.float32], int]:
    """Words, matrix, and what the first row is called."""
    from pyarrow import parquet

    check_is_no_pointer(file)
    with boundary("cannot be read", where=str(file), cure=_DAMAGED):
        names = parquet.read_schema(file).names
    if names.count(WORD) != 1 or names.count(VECTOR) != 1:
        raise UserError(
            f"has the columns {shown_list(names) or 'none'}",
            where=str(file),
            cure=f"Name them {WORD} and {VECTOR}, each once.",
        )
    with boundary("cannot be read", where=str(file), cure=_DAMAGED):
        table = parquet.read_table(file, columns=[WORD, VECTOR]).combine_chunks()
        words = table.column(WORD).to_pylist()
    for row, word in enumerate(words):
        if not isinstance(word, str):
            raise UserError(f"row {row}: the word is {shown(word)}", where=str(file), cure=_MEND)
    return words, _matrix(table.column(VECTOR), file), 0


def _matrix(column: pa.ChunkedArray, file: Path) -> NDArray[np.float32]:
    import pyarrow as pa
    from pyarrow import compute, types

    if not len(column):
        return np.empty((0, 0), np.float32)
    kind = column.type
    is_list = types.is_list(kind) or types.is_large_list(kind) or types.is_fixed_size_list(kind)
    if not is_list or not (types.is_floating(kind.value_type) or types.is_integer(kind.value_type)):
        raise UserError(
            f"the column {VECTOR!r} holds {kind}", where=str(file), cure="Write it as lists of float32."
        )
    lengths = compute.call_function("list_value_length", [column]).to_pylist()
    _check_lengths(lengths, file)
    with boundary("cannot be read", where=str(file), cure=_DAMAGED):
        values = compute.call_function("list_flatten", [column])
        numbers = compute.cast(values, pa.float32(), safe=False).to_numpy()  # nulls become NaN and are found
    return np.array(numbers, dtype=np.float32).reshape(len(lengths), -1)


def _check_lengths(lengths: Sequence[int | None], file: Path) -> None:
    for row, length in enumerate(lengths):
        if length != lengths[0] or not length:
            told = "no vector" if not length else f"{length} numbers, and the first has {lengths[0]}"
            raise UserError(f"row {row} has {told}", where=str(file), cure=_MEND)


def _of_text(file: Path) -> tuple[list[str], NDArray[np.float32], int]:
    """Words, matrix, and the line of the first row."""
    check_plain_text(file)
    lines = (line.rstrip(" \r") for line in text_lines(text_pieces(file), file))
    begin = next(lines, "")
    header = _HEADER.fullmatch(begin)
    rows = lines if header else chain([begin] if begin else [], lines)
    first = 2 if header else 1
    words, numbers, dimensions = list[str](), array("f"), int(header[2]) if header else 0
    for at, line in enumerate(rows, start=first):
        dimensions = dimensions or line.count(" ")
        word, values = _parsed(line, dimensions, at, file)
        words.append(word)
        numbers.extend(values)
    if header and len(words) != int(header[1]):
        raise UserError(
            f"has {len(words):,} words, and its first line says {int(header[1]):,}",
            where=str(file),
            cure="The file is cut or damaged; fetch or write it again.",
        )
    return words, np.frombuffer(numbers, np.float32).reshape(len(words), -1) if words else _NONE, first


_NONE = np.empty((0, 0), np.float32)


def _parsed(line: str, dimensions: int, at: int, file: Path) -> tuple[str, Iterator[float]]:
    """The word of a line, which may hold blanks, as some of GloVe's do, and the numbers behind it."""
    word, *values = line.rsplit(" ", dimensions)
    try:
        numbers = [float(value) for value in values]
    except ValueError:
        numbers = []
    if not dimensions or len(numbers) != dimensions or _is_number(word.rpartition(" ")):
        count = sum(_reads(part) for part in line.split(" ")[1:])
        raise UserError(
            f"line {at} has {count} numbers behind its word, and {dimensions or 'at least 1'} should be there",
            where=str(file),
            cure=_MEND,
        )
    return word, iter(numbers)


def _is_number(parted: tuple[str, str, str]) -> bool:
    """Whether a word with a blank ends in what would be one number more."""
    return bool(parted[1]) and _reads(parted[2])


def _reads(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _check(words: Sequence[str], matrix_VD: NDArray[np.float32], first: int, file: Path) -> None:
    row = "line" if first else "row"
    seen = dict[str, int]()
    for at, word in enumerate(words, start=first):
        if not word:
            raise UserError(f"{row} {at} has no word", where=str(file), cure=_MEND)
        before = seen.setdefault(word, at)
        if before != at:
            raise UserError(
                f"{row} {at}: {shown(word)} stands there already ({row} {before})",
                where=str(file),
                cure="Drop one of the two.",
            )
    whole = np.isfinite(matrix_VD).all(axis=1)
    if not whole.all():
        at = int(np.argmin(whole))
        raise UserError(
            f"{row} {at + first}: the vector of {shown(words[at])} holds a number that is not finite",
            where=str(file),
            cure=_MEND,
        )
