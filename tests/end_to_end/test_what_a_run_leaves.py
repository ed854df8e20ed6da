"""docs/what-a-run-leaves.md names every file that runs leave, and no file that none leaves."""

from __future__ import annotations

import re
from itertools import product

import pytest

from encore_harness import HOME
from tests.end_to_end.prepared import Prepared

PAGE = (HOME / "docs" / "what-a-run-leaves.md").read_text(encoding="utf-8")
# Of a root, or of runs that are not among the prepared ones.
ELSEWHERE = {
    "mlflow.db",
    "optuna.db",
    "journal/",
    "cache/",
    "downloaded/",
    "debug/",
    "certificate.json",
    "certificate.md",
    "teacher/logits.npy",
}


def named() -> set[str]:
    """The paths of the page's trees, and those in its text that name a file or a folder of a run."""
    drawn = re.findall(r"^[├└]── (\S+)  ", PAGE, re.MULTILINE)
    told = re.findall(r"`((?:stories|run)/\S+)`", PAGE)
    return {path for written in (*drawn, *told) for path in spelled(written)}


def spelled(written: str) -> list[str]:
    """`a/{b,c}` is two paths."""
    parts = [part.split(",") for part in re.split(r"[{}]", written)]
    return ["".join(choice) for choice in product(*parts)]


@pytest.mark.slow
def test_the_page_names_what_is_there_and_nothing_else(whole: Prepared) -> None:
    paths = named()
    assert len(paths) > 25
    found = set[str]()
    for folder in map(whole.folder, whole.runs):
        found |= {str(file.relative_to(folder)) for file in folder.rglob("*") if file.is_file()}
    unnamed = {file for file in found if not any(file == path or file.startswith(path) for path in paths)}
    assert unnamed == set()
    absent = {path for path in paths if not any(file.startswith(path) for file in found)}
    assert absent == ELSEWHERE
