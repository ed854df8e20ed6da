"""Rows written by many programs and read back: equal or refused, and nothing else."""

from __future__ import annotations

import time
from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal
from zlib import crc32

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from benchmarks.results import table, write_section
from benchmarks.row_writers import WRITERS, Rows, missing_program
from datamodules.readers.raw import Wanted
from datamodules.sources import from_folder
from errors import UserError

Outcome = Literal["equal", "refused", "not written"]
DRAWN = 10_000
# What goes wrong on the way between programs: characters that are syntax somewhere, or nearly nothing.
_PIECES = [
    '"', '""', '\\"', "\\", "'", ",", "\t", "\n", "\r", "\r\n", ";", "|", "\ufeff", "\0", "\u2028", "\x85", "\x1c",
    "😀", "é", "007", "010000", "1e5", "NA", "null", "True", "None", "[SEP]", "[CLS]", "#", " ", " ", "  ", "film",
    "a fine film", '"fine"', '"Hello," she said.', ",1\n", "\t0\n", '",1\n"', "<br />", "0", "1", "-", "=1+1",
]  # fmt: skip
_FOLDERS = ("rows", "rows[1]", "ro?s", "r*", "a::b", "own #2", "my%20rows", "film's", "{a,b}", "zip:")
TEXT = st.lists(st.one_of(st.sampled_from(_PIECES), st.text(max_size=3)), min_size=1, max_size=7).map("".join)
REVIEWS = Wanted("sentence", "label", ("negative", "positive"))
STORIES = Wanted("text")


def _reviews(order: str) -> st.SearchStrategy[Rows]:
    values = {"sentence": TEXT.filter(str.strip), "label": st.integers(0, 1), "idx": st.integers(0, 99)}
    columns = {name: values[name] for name in order.split()}
    return st.lists(st.fixed_dictionaries(columns), min_size=1, max_size=6)


_ORDERS = st.sampled_from(["sentence label", "label sentence", "idx sentence label", "label idx sentence"])
ROWS = st.one_of(
    _ORDERS.flatmap(_reviews), st.lists(st.fixed_dictionaries({"text": TEXT}), min_size=1, max_size=6)
)
FOLDER = st.sampled_from(_FOLDERS)


def round_trip(scratch: Path, writer: str, folder_name: str, rows: Rows) -> Outcome:
    """Write `rows` as the train split, a plain row as the other, and read; AssertionError where a row changed.

    A text is read without the white space around it, and a story without text is left out.
    """
    wanted = STORIES if "text" in rows[0] else REVIEWS
    folder = scratch / folder_name
    folder.mkdir()
    (scratch / "rows1").mkdir(exist_ok=True)  # what a pattern `rows[1]` would find
    other: dict[str, Any] = {**rows[0], wanted.text: "a film"}
    try:
        WRITERS[writer](folder, "train", rows)
        WRITERS[writer](folder, "validation", [other])
    except (ValueError, UnicodeError):
        return "not written"
    try:
        read = from_folder(
            folder,
            splits=("train", "validation"),
            wanted=wanted,
            cache_dir=scratch / "cache",
            on_remade=print,
        )
    except UserError:
        return "refused"
    found = read.train[:]
    texts = [row[wanted.text].strip() for row in rows]
    assert [text.strip() for text in found[wanted.text]] == [text for text in texts if text]
    if wanted.label is not None:
        assert found["label"] == [row["label"] for row in rows]
    assert read.official[:][wanted.text] == ["a film"]
    return "equal"


def measure(drawn: int = DRAWN) -> None:
    """Draw as many files over all writers; writes the section."""
    writers = [writer for writer in WRITERS if missing_program(writer) is None]
    found: Counter[tuple[str, str]] = Counter()
    begun = time.perf_counter()
    for writer in writers:
        _draw(writer, -(-drawn // len(writers)), found)
        print(writer, {outcome: n for (who, outcome), n in found.items() if who == writer}, flush=True)
    seconds = time.perf_counter() - begun
    outcomes = ("equal", "refused", "changed", "not written")
    rows = [[writer, *(f"{found[writer, outcome]:,}" for outcome in outcomes)] for writer in writers]
    sums = [sum(found[writer, outcome] for writer in writers) for outcome in outcomes]
    body = (
        f"Files of one to six rows drawn by hypothesis, in {seconds / 60:.0f} minutes. Not written: the program "
        "refused the rows, or they cannot be written that way.\n\n"
        + table(["writer", *outcomes], [*rows, ["all", *(f"{n:,}" for n in sums)]])
    )
    write_section("Round trips of rows", "python -m benchmarks round_trips", body)


def _draw(writer: str, examples: int, found: Counter[tuple[str, str]]) -> None:
    """Count what comes of `examples` drawn files of one writer; rows that changed are printed."""

    @seed(crc32(writer.encode()))
    @settings(
        max_examples=examples,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(FOLDER, ROWS)
    def draw(folder: str, rows: Rows) -> None:
        with TemporaryDirectory(prefix="encore-bench-") as scratch:
            try:
                found[writer, round_trip(Path(scratch), writer, folder, rows)] += 1
            except AssertionError:
                found[writer, "changed"] += 1
                print(writer, repr(folder), rows, flush=True)

    draw()
