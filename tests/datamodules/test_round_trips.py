"""Rows that other programs wrote come back equal or are refused; `python -m benchmarks round_trips` draws 10,000."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, given, settings

from benchmarks.round_trips import FOLDER, ROWS, round_trip
from benchmarks.row_writers import WRITERS, Rows, missing_program

_QUICK = 4


def check(writer: str, examples: int) -> None:
    if (program := missing_program(writer)) is not None:
        pytest.skip(f"{program} is not installed here")

    @settings(max_examples=examples, deadline=None, suppress_health_check=list(HealthCheck))
    @given(FOLDER, ROWS)
    def draw(folder: str, rows: Rows) -> None:
        with TemporaryDirectory() as scratch:
            round_trip(Path(scratch), writer, folder, rows)

    draw()


@pytest.mark.parametrize("writer", WRITERS)
def test_rows_come_back_equal_or_are_refused(writer: str) -> None:
    check(writer, _QUICK)


@pytest.mark.slow
@pytest.mark.parametrize("writer", WRITERS)
def test_rows_come_back_equal_or_are_refused_many_times(writer: str) -> None:
    check(writer, 30)


@pytest.mark.parametrize(
    "writer", ["pandas csv", "pandas tsv", "sqlite csv", "plain tsv", "datasets jsonl", "polars csv"]
)
def test_rows_of_everyday_are_read(tmp_path: Path, writer: str) -> None:
    if (program := missing_program(writer)) is not None:
        pytest.skip(f"{program} is not installed here")
    said = (
        '"Part {i}" was good; a "film"'
        if writer == "plain tsv"
        else 'He said: "part {i}", and\twent. It\'s good'
    )
    rows = [{"sentence": said.format(i=i), "label": i % 2} for i in range(12)]
    assert round_trip(tmp_path, writer, "rows", rows) == "equal"
