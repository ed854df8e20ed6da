"""What a run says of its rows when it begins, and what its record keeps of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pydantic import TypeAdapter, ValidationError
from rich.text import Text

from datamodules.summary import DataSummary, summary_lines
from errors import UserError, visible
from experiments.record_files import MALFORMED

if TYPE_CHECKING:
    from rich.console import Console

    from experiments.recorded import RunArtifacts

DATA_FILE = "run/data.json"
_SCHEMA = 1


def tell_data(console: Console | None, summary: DataSummary) -> None:
    """A line for each split, and each warning."""
    if console is None:
        return
    for line in summary_lines(summary):
        console.print(Text(f"data: {visible(line)}", style="dim"), soft_wrap=True)
    for warning in summary.warnings:
        console.print(Text(f"warning: {visible(warning)}", style="yellow"), soft_wrap=True)


@dataclass(frozen=True)
class DataRecord:
    """`run/data.json`. fingerprints: of all that the run begins with, as its tags have them. notices: what was left out
    of the folders of model and tokenizer; an earlier version kept none."""

    schema: int
    fingerprints: dict[str, str]
    summary: DataSummary
    notices: list[str] = field(default_factory=list)


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


def recorded_data(run: RunArtifacts) -> DataRecord | None:
    """What a run's record says of its rows; none for a run of an earlier version. UserError when it is malformed."""
    if not run.has(DATA_FILE):
        return None
    try:
        return TypeAdapter(DataRecord).validate_python(run.json(DATA_FILE))
    except ValidationError as error:
        raise UserError(
            f"{DATA_FILE} is not of the shape that is written", where=run.where, cure=MALFORMED
        ) from error
