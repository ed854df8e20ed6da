"""What a browser shows of every saved view, over a small store of runs of every kind."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from benchmarks.mlflow_server import free_port_here
from benchmarks.store import build
from benchmarks.views import Opened, browser_page, champion_of, opened
from runs.layout import KIND_TAG, RunKind
from runs.views import MOST_COLUMNS, save_views
from tracking.store import Store
from tracking.views import View, experiment_id, view_link

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(shutil.which("chromium") is None, reason="there is no Chromium here"),
]
KINDS = ("Runs", "Sweep", "Exports", "Seeds", "Stories")


@dataclass(frozen=True)
class Shown:
    store: Store
    address: str
    views: dict[str, list[View]]


@pytest.fixture(scope="module")
def shown(migrated: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shown]:
    """A store of some 30 runs, `encore ui` over it, and its views by experiment."""
    pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    root = tmp_path_factory.mktemp("shown") / "mlruns"
    root.mkdir()
    shutil.copy(migrated, root / "mlflow.db")
    store = build(root, trials=3)
    views = {name: save_views(store, name) for name in ("demo_reviews", "demo_stories")}
    port = free_port_here()
    command = [sys.executable, "-m", "cli", "ui", "--no-open", "--port", str(port), "--root", str(root)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None
    link = process.stdout.readline().strip()
    assert link.startswith(f"http://127.0.0.1:{port}/#/experiments/")
    yield Shown(store, f"http://127.0.0.1:{port}", views)
    process.terminate()
    rest, said = process.communicate(timeout=60)
    assert rest == "", "the link stands alone on stdout"
    assert "GET /" not in said
    assert "GET /" in (root / "debug" / "mlflow-ui.log").read_text()


@pytest.fixture(scope="module")
def page() -> Iterator[Page]:
    with browser_page() as found:
        yield found


@pytest.mark.parametrize("kind", KINDS)
def test_a_view_opens_as_it_was_saved(shown: Shown, page: Page, kind: str) -> None:
    found = [
        (experiment, view)
        for experiment, views in shown.views.items()
        for view in views
        if view.name.startswith(kind)
    ]
    assert found
    for experiment, view in found:
        found_id = experiment_id(shown.store, experiment)
        assert found_id is not None
        seen = opened(page, view_link(shown.address, found_id, view.key))
        _check(shown.store, experiment, view, seen)


def _check(store: Store, experiment: str, view: View, seen: Opened) -> None:
    assert seen.faults == []
    assert [column for column in seen.columns if column in {own.id for own in view.columns}] == [
        column.id for column in view.columns
    ]
    assert len(seen.columns) <= MOST_COLUMNS
    assert seen.empty_columns == []
    runs = store.runs(experiment=experiment)
    assert seen.run_ids[0] == champion_of(view, runs)
    kinds = {run.run_id: run.tags[KIND_TAG] for run in runs}
    if view.name == "Runs":
        assert {kinds[run_id] for run_id in seen.run_ids} <= {RunKind.RUN, RunKind.TRIAL, RunKind.FORK}
        trained = {run.run_id for run in runs if "encore.reuses" in run.tags}
        assert not trained & set(seen.run_ids)
