"""Programs that write rows into files, each as its users call it: what a reader has to get back."""

from __future__ import annotations

import csv
import importlib.util
import json
import shutil
import sqlite3
import subprocess
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

Rows = Sequence[Mapping[str, Any]]
# Writes the file `<folder>/<split>.<suffix>`. ValueError where a writer cannot write such rows.
Writer = Callable[[Path, str, Rows], None]


def _frame(rows: Rows) -> Any:
    import pandas as pd

    return pd.DataFrame(list(rows))


def _table(rows: Rows) -> Any:
    import pyarrow as pa

    return pa.Table.from_pylist([dict(row) for row in rows])


def _pandas_csv(suffix: str, **options: Any) -> Writer:
    return lambda folder, split, rows: _frame(rows).to_csv(
        folder / f"{split}.{suffix}", index=False, **options
    )


def _csv(suffix: str, **options: Any) -> Writer:
    def write(folder: Path, split: str, rows: Rows) -> None:
        with (folder / f"{split}.{suffix}").open("w", newline="", encoding="utf-8") as stream:
            writer = csv.DictWriter(stream, list(rows[0]), **options)
            writer.writeheader()
            writer.writerows(rows)

    return write


def _plain(suffix: str, delimiter: str) -> Writer:
    """As GLUE's files: a row is a line, and nothing is quoted."""

    def write(folder: Path, split: str, rows: Rows) -> None:
        values = [[str(row[name]) for name in rows[0]] for row in rows]
        if any(delimiter in value or "\n" in value for row in values for value in row):
            raise ValueError("a row is a line")
        lines = [delimiter.join(row) for row in [list(rows[0]), *values]]
        (folder / f"{split}.{suffix}").write_bytes("".join(f"{line}\n" for line in lines).encode())

    return write


def _json_lines(*, ascii_only: bool) -> Writer:
    def write(folder: Path, split: str, rows: Rows) -> None:
        lines = [json.dumps(dict(row), ensure_ascii=ascii_only) for row in rows]
        (folder / f"{split}.jsonl").write_text("\n".join(lines), encoding="utf-8", newline="")

    return write


def _pandas_json(folder: Path, split: str, rows: Rows) -> None:
    _frame(rows).to_json(folder / f"{split}.jsonl", orient="records", lines=True)


def _pandas_parquet(folder: Path, split: str, rows: Rows) -> None:
    _frame(rows).to_parquet(folder / f"{split}.parquet")


def _datasets(suffix: str, method: str) -> Writer:
    def write(folder: Path, split: str, rows: Rows) -> None:
        from datasets import Dataset

        data = Dataset.from_list([dict(row) for row in rows])
        getattr(data, method)(str(folder / f"{split}.{suffix}"))

    return write


def _pyarrow_csv(folder: Path, split: str, rows: Rows) -> None:
    from pyarrow import csv as arrow_csv

    arrow_csv.write_csv(_table(rows), folder / f"{split}.csv")


def _pyarrow_parquet(folder: Path, split: str, rows: Rows) -> None:
    """In row groups of two."""
    from pyarrow import parquet

    parquet.write_table(_table(rows), folder / f"{split}.parquet", row_group_size=2)


def _polars(suffix: str, method: str, **options: Any) -> Writer:
    def write(folder: Path, split: str, rows: Rows) -> None:
        import polars

        getattr(polars.DataFrame(list(rows)), method)(folder / f"{split}.{suffix}", **options)

    return write


def _duckdb(suffix: str, options: str) -> Writer:
    def write(folder: Path, split: str, rows: Rows) -> None:
        import duckdb

        target = str(folder / f"{split}.{suffix}").replace("'", "''")
        with duckdb.connect() as connection:
            connection.register("held", _table(rows))
            connection.execute(f"COPY (SELECT * FROM held) TO '{target}' ({options})")  # noqa: S608

    return write


def _sqlite(suffix: str, *mode: str) -> Writer:
    """With the command line program, whose strings end at a NUL."""

    def write(folder: Path, split: str, rows: Rows) -> None:
        if any("\0" in str(value) for row in rows for value in row.values()):
            raise ValueError("a string of the program ends at a NUL")
        base = folder / f"{split}.sqlite"
        names = list(rows[0])
        with sqlite3.connect(base) as connection:
            connection.execute(f"CREATE TABLE held ({', '.join(names)})")
            marks = ", ".join("?" * len(names))
            values = [[row[name] for name in names] for row in rows]
            connection.executemany(f"INSERT INTO held VALUES ({marks})", values)  # noqa: S608
        connection.close()
        command = ["sqlite3", "-header", "-csv", *mode, str(base), "SELECT * FROM held"]
        (folder / f"{split}.{suffix}").write_bytes(
            subprocess.run(command, check=True, capture_output=True).stdout
        )
        base.unlink()

    return write


WRITERS: Mapping[str, Writer] = {
    "pandas csv": _pandas_csv("csv"),
    "pandas csv, all quoted": _pandas_csv("csv", quoting=csv.QUOTE_ALL),
    "pandas csv, texts quoted": _pandas_csv("csv", quoting=csv.QUOTE_NONNUMERIC),
    "pandas csv, CR LF": _pandas_csv("csv", lineterminator="\r\n"),
    "pandas tsv": _pandas_csv("tsv", sep="\t"),
    "pandas jsonl": _pandas_json,
    "pandas parquet": _pandas_parquet,
    "csv": _csv("csv"),
    "csv, LF": _csv("csv", lineterminator="\n"),
    "csv, all quoted": _csv("csv", quoting=csv.QUOTE_ALL),
    "csv tsv": _csv("tsv", delimiter="\t"),
    "csv tsv, excel": _csv("tsv", dialect="excel-tab"),
    "json jsonl": _json_lines(ascii_only=True),
    "json jsonl, UTF-8": _json_lines(ascii_only=False),
    "plain tsv": _plain("tsv", "\t"),
    "plain csv": _plain("csv", ","),
    "datasets csv": _datasets("csv", "to_csv"),
    "datasets jsonl": _datasets("jsonl", "to_json"),
    "datasets parquet": _datasets("parquet", "to_parquet"),
    "pyarrow csv": _pyarrow_csv,
    "pyarrow parquet": _pyarrow_parquet,
    "polars csv": _polars("csv", "write_csv"),
    "polars csv, all quoted": _polars("csv", "write_csv", quote_style="always"),
    "polars csv, texts quoted": _polars("csv", "write_csv", quote_style="non_numeric"),
    "polars tsv": _polars("tsv", "write_csv", separator="\t"),
    "polars jsonl": _polars("jsonl", "write_ndjson"),
    "polars parquet": _polars("parquet", "write_parquet"),
    "duckdb csv": _duckdb("csv", "FORMAT csv, HEADER"),
    "duckdb csv, texts quoted": _duckdb("csv", "FORMAT csv, HEADER, FORCE_QUOTE *"),
    "duckdb tsv": _duckdb("tsv", "FORMAT csv, HEADER, DELIMITER '\t'"),
    "duckdb jsonl": _duckdb("jsonl", "FORMAT json"),
    "duckdb parquet": _duckdb("parquet", "FORMAT parquet"),
    "sqlite csv": _sqlite("csv"),
    "sqlite tsv": _sqlite("tsv", "-separator", "\t"),
}  # fmt: skip


def missing_program(writer: str) -> str | None:
    """The program that a writer needs and this machine lacks."""
    program = writer.split()[0]
    if program in ("polars", "duckdb"):
        return None if importlib.util.find_spec(program) else program
    return "sqlite3" if program == "sqlite" and shutil.which("sqlite3") is None else None
