"""Plain text files whose rows stand between separators, such as TinyStories' own files, read in pieces."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from errors import UserError

if TYPE_CHECKING:
    from datasets import Dataset

_PIECE_BYTES = 2**20
_LONGEST_BYTES = 2**24  # of one text; a file without separators must not end up in memory


def separated_rows(files: Sequence[Path], separator: str, *, column: str, cache_dir: Path) -> Dataset:
    """The texts between `separator`s in `files`, as a data set on the disk with the one column `column`.

    In memory there is one text and a piece of a file. A last text needs no separator after it.
    Raises UserError for a file without separators, one that is not UTF-8, and an empty text.
    """
    from datasets import Dataset, Features, Value
    from datasets.exceptions import DatasetGenerationError

    def rows() -> Iterator[dict[str, str]]:
        for file in files:
            yield from ({column: text} for text in texts_of(file, separator))

    try:
        return Dataset.from_generator(
            rows,
            features=Features({column: Value("string")}),
            cache_dir=str(cache_dir),
            fingerprint=cache_dir.name,
        )
    except DatasetGenerationError as error:
        if isinstance(error.__cause__, (UserError, OSError)):  # such as a full disk
            raise error.__cause__ from error
        raise


def texts_of(file: Path, separator: str) -> Iterator[str]:
    """The texts of one file, stripped, in their order."""
    separated = False
    for number, (begin, raw) in enumerate(_parts(file, separator.encode())):
        separated = separated or number > 0
        text = _decoded(raw, begin, file).strip()
        if not text:
            raise UserError(
                f"text {number} (at byte {begin}) is empty",
                where=str(file),
                cure=f"Take out one of the two {separator} around it.",
            )
        yield text
    if not separated and not _ends_with(file, separator.encode()):
        raise _not_separated(file, separator, file.stat().st_size)


def _parts(file: Path, separator: bytes) -> Iterator[tuple[int, bytes]]:
    """What stands between separators, with its place in bytes; white space after the last one is nothing."""
    held, begin = b"", 0
    with file.open("rb") as stream:
        while piece := stream.read(_PIECE_BYTES):
            *parts, held = (held + piece).split(separator)
            for part in parts:
                yield begin, part
                begin += len(part) + len(separator)
            if len(held) > _LONGEST_BYTES:
                raise _not_separated(file, separator.decode(), len(held))
    if held.strip():
        yield begin, held


def _decoded(raw: bytes, begin: int, file: Path) -> str:
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise UserError(
            f"is not UTF-8 at byte {begin + error.start}",
            where=str(file),
            cure="Write it again as UTF-8.",
        ) from error


def _not_separated(file: Path, separator: str, size: int) -> UserError:
    if size == 0:
        return UserError("is empty", where=str(file), cure=f"Give it texts with {separator} after each.")
    return UserError(
        f"{size:,} bytes without a {separator} would be one text",
        where=str(file),
        cure=f"Put {separator} after each.",
    )


def _ends_with(file: Path, separator: bytes) -> bool:
    """Whether nothing but white space comes after the separator that ends `file`."""
    with file.open("rb") as stream:
        stream.seek(max(0, file.stat().st_size - _PIECE_BYTES))
        return stream.read().rstrip().endswith(separator)
