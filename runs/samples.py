"""The stories that a run wrote after its validations."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runs.layout import SAMPLES_TABLE
from runs.record_files import SampleRow, TableFile, parsed

if TYPE_CHECKING:
    from runs.files import RunFiles


def read_samples(run: RunFiles) -> list[SampleRow]:
    """What a run wrote after its validations, in that order; nothing for a run that wrote none."""
    if not run.has(SAMPLES_TABLE):
        return []
    rows = run.read(TableFile, SAMPLES_TABLE).rows()
    return [parsed(SampleRow, row, file=SAMPLES_TABLE, where=run.where) for row in rows]
