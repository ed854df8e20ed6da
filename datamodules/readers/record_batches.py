"""Rows as Arrow's record batches: values checked at once, and lists of them where one has to be named."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from datamodules.readers.raw import RawRows, Wanted
from errors import UserError

if TYPE_CHECKING:
    import pyarrow as pa


def plain_types(batch: pa.RecordBatch, wanted: Wanted) -> pa.RecordBatch | None:
    """The columns as strings and int64; none where they are not of whole numbers and of texts from the beginning."""
    import pyarrow as pa
    from pyarrow import types

    columns = [batch.column(name) for name in wanted.columns]
    if any(types.is_dictionary(column.type) for column in columns):
        columns = [c.dictionary_decode() if types.is_dictionary(c.type) else c for c in columns]
    is_text = types.is_string(columns[0].type) or types.is_large_string(columns[0].type)
    if not is_text or not all(types.is_integer(column.type) for column in columns[1:]):
        return None
    kinds = [pa.string(), pa.int64()]
    columns = [column.cast(kind) for column, kind in zip(columns, kinds, strict=False)]
    return pa.record_batch(columns, schema=wanted.schema)


def all_hold(batch: pa.RecordBatch, wanted: Wanted) -> bool:
    """Whether each row has a text, in UTF-8, and a label where one is wanted; found out without a loop in Python."""
    import pyarrow as pa
    from pyarrow import compute

    try:
        batch.validate(full=True)
    except pa.ArrowInvalid:
        return False
    if any(column.null_count for column in batch.columns):
        return False
    text, *labels = batch.columns
    opens = compute.utf8_trim_whitespace(compute.utf8_slice_codeunits(text, 0, 1))
    doubtful = text.filter(compute.equal(opens, ""))  # few texts begin with white space or are nothing else
    bounds = [compute.min_max(label).as_py() for label in labels if len(label)]
    blank = compute.equal(compute.utf8_trim_whitespace(doubtful), "")
    return not blank.true_count and all(b["min"] >= 0 and b["max"] < len(wanted.label_names) for b in bounds)


def in_lists(
    batch: pa.RecordBatch, first: int, where: str, wanted: Wanted, numbers: Mapping[int, int] | None = None
) -> RawRows:
    """The wanted columns, labels renumbered by `numbers`; first: the number of the first row, for an error."""
    labels = None if wanted.label is None else batch.column(wanted.label).to_pylist()
    if numbers is not None and labels is not None:
        labels = [numbers.get(label, label) for label in labels]
    return RawRows(_texts(batch.column(wanted.text), first, where=where), labels)


def _texts(column: pa.Array, first: int, *, where: str) -> list[object]:
    """Its values; UserError names the row of one that is not UTF-8. first: the number of the first row."""
    try:
        return [text.decode() if isinstance(text, bytes) else text for text in column.to_pylist()]
    except UnicodeDecodeError as error:
        row = next(row for row in range(len(column)) if not _is_utf8(column[row]))
        raise UserError(
            f"row {first + row}: the text is not UTF-8", where=where, cure="Write the file again as UTF-8."
        ) from error


def _is_utf8(value: pa.Scalar) -> bool:
    try:
        text = value.as_py()
        return not isinstance(text, bytes) or bool(text.decode()) or True
    except UnicodeDecodeError:
        return False
