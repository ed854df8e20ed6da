"""The texts of one file of somebody's own: a line, a row or an object each."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from datamodules.readers.delimited import DELIMITERS, look_at, open_delimited, with_siblings
from datamodules.readers.jsonl import open_jsonl
from datamodules.readers.parquet import open_parquet
from datamodules.readers.quoting import Said
from datamodules.readers.raw import ArrowRows, RawFile, Wanted
from datamodules.readers.record_batches import in_lists
from datamodules.text_files import check_plain_text, text_lines, text_pieces
from errors import UserError

TXT = ".txt"
_LONGEST_PATH = 1000  # characters
_OTHERS: Mapping[str, Callable[[Path, Wanted], RawFile]] = {".jsonl": open_jsonl, ".parquet": open_parquet}
SUFFIXES = (TXT, *DELIMITERS, *_OTHERS)


def names_a_file(text: str) -> bool:
    """Whether it ends as a file does that is read here, and is one word or a file that is there."""
    if len(text) > _LONGEST_PATH or Path(text).suffix.lower() not in SUFFIXES:
        return False
    return not any(letter.isspace() for letter in text) or Path(text).is_file()


def texts_of_file(
    file: Path, *, column: str, quoting: Said = "auto", option: str = "--quoting "
) -> Iterator[str]:
    """Its texts in order, without white space at their ends. column: that holds them, where there are columns. option:
    how an error names what says the quoting.

    Of a .txt file each line that is not blank. UserError, with the row, for a row without text, and as the readers of
    corpora raise it.
    """
    if not file.is_file():
        raise UserError(
            "no such file", where=str(file), cure="Give one that ends in " + ", ".join(SUFFIXES) + "."
        )
    if file.suffix.lower() == TXT:
        check_plain_text(file)
        yield from (line.strip() for line in text_lines(text_pieces(file), file) if line.strip())
        return
    wanted, row = Wanted(column), 0
    for chunk in _opened(file, wanted, quoting, option).chunks:
        rows = in_lists(chunk.batch, row, str(file), wanted) if isinstance(chunk, ArrowRows) else chunk
        for text in rows.texts:
            if not isinstance(text, str) or not text.strip() or not _is_utf_8(text):
                raise UserError(
                    f"row {row} holds no text in its column {column!r}", where=str(file), cure="Take it out."
                )
            yield text.strip()
            row += 1


def _is_utf_8(text: str) -> bool:
    """Whether it has no half of a surrogate pair, which JSON may write."""
    return text.isascii() or not any("\ud800" <= letter <= "\udfff" for letter in text)


def _opened(file: Path, wanted: Wanted, quoting: Said, option: str) -> RawFile:
    suffix = file.suffix.lower()
    if suffix in _OTHERS:
        return _OTHERS[suffix](file, wanted)
    try:
        [decided] = with_siblings([look_at(file, DELIMITERS[suffix], wanted, quoting)])
        return open_delimited(decided)
    except UserError as error:
        cure = error.cure.replace("data.quoting=", option)
        raise UserError(error.what, where=error.where, cure=cure) from error
