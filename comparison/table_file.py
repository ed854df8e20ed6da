"""A parquet file of a run, of which a few columns are read: without pandas, whose import takes half a second."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from errors import UserError
from host.boundary import boundary
from host.files import is_plain_file
from runs.files import RunFiles, altered
from runs.record_files import MALFORMED
from runs.seals import check_listed

ALTERED = "The artifact was altered; restore it."


class Table:
    """UserError for a file that is missing, not the one that the run left, or no table."""

    def __init__(self, run: RunFiles, file: str) -> None:
        import pyarrow.parquet as pq

        self.run, self.file = run, file
        if not run.has(file):
            raise UserError(
                f"has no answers to compare ({file})",
                where=run.where,
                cure="`encore runs` lists the runs; those with a test score have them.",
            )
        check_listed(run, file)
        if not is_plain_file(path := run.path(file)):
            raise altered(run, file)
        with self._readable():
            self._file = pq.ParquetFile(path)
        self.names: list[str] = list(self._file.schema_arrow.names)

    def _readable(self) -> Any:
        return boundary(f"{self.file} is no table", where=self.run.where, cure=ALTERED)

    def beginning(self, prefix: str) -> list[str]:
        """Names of the columns `<prefix>0`, `<prefix>1`, … in the order of their numbers."""
        numbers = (name.removeprefix(prefix) for name in self.names if name.startswith(prefix))
        count = sum(number.isdecimal() for number in numbers)
        return [f"{prefix}{number}" for number in range(count)]

    def read(self, names: Sequence[str]) -> Any:
        """An arrow table of these columns. UserError when one is missing."""
        for name in names:
            if name not in self.names:
                raise UserError(f"{self.file} has no column {name!r}", where=self.run.where, cure=MALFORMED)
        with self._readable():
            return self._file.read(columns=list(names))

    def numbers(self, names: Sequence[str]) -> dict[str, NDArray[Any]]:
        """Each column as numbers, all of them finite; UserError, with the row, when one is not."""
        import pyarrow as pa

        table = self.read(names)
        found: dict[str, NDArray[Any]] = {}
        for name in names:
            with boundary(f"{self.file} has no numbers {name!r}", where=self.run.where, cure=MALFORMED):
                # Not `to_numpy`, which imports pandas, half a second.
                values = np.from_dlpack(pa.concat_arrays(table.column(name).chunks))
            odd = np.flatnonzero(~np.isfinite(values))
            if len(odd):
                raise UserError(
                    f"{name} of row {odd[0]} is {values[odd[0]]}, as of {len(odd)} of {len(values)} rows ({self.file})",
                    where=self.run.where,
                    cure="Its model gives no valid answers there: leave it out, or train it anew.",
                )
            found[name] = values
        return found
