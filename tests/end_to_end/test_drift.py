"""Two drifts at once, planted for real, are named first; `python -m benchmarks drift` plants every pair."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from benchmarks.drift import Drift, drifts, names_first, planted, prepared


@pytest.mark.slow
def test_a_planted_pair_is_named_first_and_taken_back(tmp_path: Path, migrated: Path) -> None:
    (tmp_path / "mlruns").mkdir()
    shutil.copy(migrated, tmp_path / "mlruns" / "mlflow.db")
    place = prepared(tmp_path)
    _, code, _, flag = drifts(place)
    before = (place.repository / code.name).read_bytes()
    found = planted(place, (code, flag))
    assert found.check_right, found.checked
    assert found.reproduction_right, found.reproduced
    assert (place.repository / code.name).read_bytes() == before


def test_only_what_was_planted_first_counts_as_named() -> None:
    code, threads = Drift("code", "a.py"), Drift("threads", "of torch")
    causes = [{"kind": drift.kind, "name": drift.name} for drift in (code, threads)]
    assert names_first(causes, (code, threads))
    for other in ((code,), (threads, code), (code, Drift("threads", "of numpy"))):
        assert not names_first(causes, other)
