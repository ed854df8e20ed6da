"""Rows of a file with one JSON object a line."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from datamodules.readers.raw import ROWS_AT_ONCE, RawFile, RawRows, Wanted
from datamodules.text_files import check_plain_text, count_lines, text_lines, text_pieces
from errors import UserError
from host.boundary import boundary
from host.text import shown, shown_list


class _RepeatedKeyError(ValueError):
    """An object that says two things of one key."""


def open_jsonl(file: Path, wanted: Wanted) -> RawFile:
    """The wanted keys of each object. UserError, with row and line, for a line that is no such object."""
    check_plain_text(file)
    return RawFile(
        how="jsonl",
        chunks=_chunks(file, wanted),
        count=lambda: count_lines(file, blank=b" \t\r\n"),
        counted_by="lines",
    )


def _chunks(file: Path, wanted: Wanted) -> Iterator[RawRows]:
    texts: list[object] = []
    labels: list[object] = []
    lines: list[int] = []
    row = 0
    for line, text in enumerate(text_lines(text_pieces(file), file), start=1):
        if not text.strip(" \t\r"):
            continue
        found = _object(text, f"row {row} (line {line})", file, wanted)
        texts.append(found[wanted.text])
        if wanted.label is not None:
            labels.append(found[wanted.label])
        lines.append(line)
        row += 1
        if len(lines) == ROWS_AT_ONCE:
            yield RawRows(texts, None if wanted.label is None else labels, lines)
            texts, labels, lines = [], [], []
    yield RawRows(texts, None if wanted.label is None else labels, lines)


def _object(text: str, row: str, file: Path, wanted: Wanted) -> dict[str, Any]:
    cure = "Write one JSON object a line."
    if row.startswith("row 0 ") and text.lstrip().startswith("["):
        raise UserError("is one JSON array", where=str(file), cure=cure)
    with boundary(f"{row} is no JSON object", where=str(file), cure=cure):
        found: object = json.loads(text, object_pairs_hook=_without_repeats)
    if not isinstance(found, dict):
        raise UserError(f"{row} is {shown(found)} and no JSON object", where=str(file), cure=cure)
    for column in wanted.columns:
        if column not in found:
            raise UserError(
                f"{row}: no key {column!r} (it has {shown_list(found) or 'none'})",
                where=str(file),
                cure=f"Give every row the keys {', '.join(wanted.columns)}.",
            )
    return found


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        raise _RepeatedKeyError(
            f"the key {next(n for n in names if names.count(n) > 1)!r} stands there twice"
        )
    return found
