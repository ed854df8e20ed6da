"""What a run's record keeps of its rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pydantic import TypeAdapter, ValidationError

from datamodules.summary import DataSummary
from errors import UserError
from runs.layout import DATA_FILE
from runs.record_files import MALFORMED

if TYPE_CHECKING:
    from runs.files import RunFiles


_SCHEMA = 1


@dataclass(frozen=True)
class DataRecord:
    """`run/data.json`. fingerprints: of all that the run begins with, as its tags have them. notices: what was left out
    of the folders of model and tokenizer; an earlier version kept none."""

    schema: int
    fingerprints: dict[str, str]
    summary: DataSummary
    notices: list[str] = field(default_factory=list)

    def label_counts(self, split: str) -> Mapping[str, int]:
        """Rows of a split by the label's name; empty for stories."""
        return next((used.label_counts for used in self.summary.used if used.split == split), {})


def data_record(
    summary: DataSummary, fingerprints: Mapping[str, str], notices: Sequence[str] = ()
) -> dict[str, Any]:
    """The content of `run/data.json`."""
    return {
        "schema": _SCHEMA,
        "fingerprints": dict(fingerprints),
        "summary": summary.to_json(),
        "notices": list(notices),
    }


def recorded_data(run: RunFiles) -> DataRecord | None:
    """What a run's record says of its rows; none for a run of an earlier version. UserError when it is malformed."""
    if not run.has(DATA_FILE):
        return None
    try:
        return TypeAdapter(DataRecord).validate_python(run.json(DATA_FILE))
    except ValidationError as error:
        raise UserError(
            f"{DATA_FILE} is not of the shape that is written", where=run.where, cure=MALFORMED
        ) from error


def no_better_told(label: str, share: float) -> str:
    """Of a classifier whose interval holds the share of rows that have the commonest label: `no better than …`."""
    return f"no better than always answering {label}, which is right for {100 * share:.2f} % of these rows."
