"""Rows of a parquet file."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from datamodules.labels import renumbering
from datamodules.readers.raw import ROWS_AT_ONCE, ArrowRows, RawFile, RawRows, Wanted, check_names
from datamodules.readers.record_batches import in_lists, plain_types
from datamodules.text_files import check_is_no_pointer
from errors import UserError
from host.boundary import boundary
from host.text import shown_list

if TYPE_CHECKING:
    import pyarrow as pa

_CURE = "The file is damaged or no parquet; fetch or write it again."


def open_parquet(file: Path, wanted: Wanted) -> RawFile:
    """The wanted columns. UserError for a file that is none, other columns, and a type that holds no texts.

    Labels that the file's metadata names (a ClassLabel of `datasets`) get the numbers that their names have here.
    """
    from pyarrow import parquet

    check_is_no_pointer(file)
    with boundary("cannot be read", where=str(file), cure=_CURE):
        table = parquet.ParquetFile(file)
        schema = table.schema_arrow
    with boundary(
        "has metadata of the library `datasets` that cannot be read",
        where=str(file),
        cure="Write it again, or without that metadata.",
    ):
        names = _class_names(schema, wanted)
    check_names(schema.names, wanted, where=str(file))
    if table.metadata.num_rows:  # a column without values may be of any type
        _check_text_type(schema.field(wanted.text).type, wanted, file)
    numbers = None if names is None else renumbering(names, wanted.label_names, where=str(file))
    notes = (
        [] if numbers is None else [f"{file.name} numbers its labels {shown_list(names or ())}: renumbered"]
    )
    return RawFile(
        how="parquet",
        chunks=_chunks(table, file, wanted, numbers),
        count=lambda: table.metadata.num_rows,
        counted_by="parquet metadata",
        notes=tuple(notes),
    )


def _class_names(schema: pa.Schema, wanted: Wanted) -> Sequence[str] | None:
    """The names of the label column in the metadata that `datasets` writes."""
    told = (schema.metadata or {}).get(b"huggingface")
    if told is None or wanted.label is None:
        return None
    feature: Any = json.loads(told).get("info", {}).get("features", {}).get(wanted.label)
    names = (
        feature.get("names") if isinstance(feature, dict) and feature.get("_type") == "ClassLabel" else None
    )
    return None if names is None else [str(name) for name in names]


def _check_text_type(kind: pa.DataType, wanted: Wanted, file: Path) -> None:
    from pyarrow import types

    if types.is_dictionary(kind):
        kind = kind.value_type
    texts = (types.is_string, types.is_large_string, types.is_string_view)
    raw = (types.is_binary, types.is_large_binary, types.is_binary_view, types.is_null)
    if not any(is_kind(kind) for is_kind in (*texts, *raw)):
        raise UserError(
            f"the column {wanted.text!r} holds {kind} and no texts",
            where=str(file),
            cure="Write it as strings.",
        )


def _chunks(
    table: Any, file: Path, wanted: Wanted, numbers: Mapping[int, int] | None
) -> Iterator[RawRows | ArrowRows]:
    row = 0
    with boundary("cannot be read", where=str(file), cure=_CURE):
        # Small pieces in one thread: larger ones and more threads cost half as much again in fresh memory.
        batches = table.iter_batches(ROWS_AT_ONCE, columns=list(wanted.columns), use_threads=False)
        for batch in batches:
            plain = None if numbers is not None else plain_types(batch, wanted)
            yield in_lists(batch, row, str(file), wanted, numbers) if plain is None else ArrowRows(plain)
            row += len(batch)
