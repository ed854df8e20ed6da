"""How soon MLflow's pages answer over stores of 70 and of 1,000 runs, and what they show first."""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from benchmarks.mlflow_server import free_port_here
from benchmarks.results import table, write_section
from benchmarks.store import multiply
from runs.layout import BEST_RUN_TAG, KIND_TAG, RANKED_KINDS, REUSES_TAG, kind_of
from runs.views import save_views
from scoring.tasks import TASKS
from tracking.search import PARENT_TAG
from tracking.store import Store
from tracking.views import direct, experiment_id, view_link

if TYPE_CHECKING:
    from playwright.sync_api import ConsoleMessage, Page

    from tracking.entities import RunRecord
    from tracking.views import View

# What MLflow 3.17 itself says on each of its pages: it asks for a user that a server without accounts has not, and its
# layout observes itself.
_MLFLOWS_OWN = ("users/current", "ResizeObserver loop")
_TITLE = "MLflow as it opens"
_TIMES_MORE = 14
_HEAD = (
    "From the link to the first row, in a Chromium that has never seen MLflow, 1440 × 900, the server warm; wanted: "
    "4 s with the smaller store, 8 s with the larger one. Columns, empty ones and the first row are read in a window "
    "as large as the table. The runs are real trainings of `demo_reviews` and `demo_stories`, those of the larger "
    "store the same ones under new IDs.\n\n"
)
_ROW = ".ag-center-cols-container .ag-row"


@dataclass(frozen=True)
class Opened:
    """What a browser shows of a view. faults: on the console, without MLflow's own."""

    seconds: float
    columns: list[str]
    empty_columns: list[str]
    run_ids: list[str]
    faults: list[str]


@contextmanager
def browser_page(width: int = 3200, height: int = 3000) -> Generator[Page]:
    """A page of the machine's Chromium, which has never seen MLflow; so large that no column is outside of it."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        path = shutil.which("chromium")
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield browser.new_page(viewport={"width": width, "height": height})
        browser.close()


def opened(page: Page, link: str) -> Opened:
    """Open a link of `encore ui`; seconds until its first row is there."""
    faults: list[str] = []

    def note(message: ConsoleMessage) -> None:
        if message.type == "error" and not any(
            own in f"{message.text} {message.location}" for own in _MLFLOWS_OWN
        ):
            faults.append(message.text)

    page.goto("about:blank")
    page.on("console", note)
    began = time.perf_counter()
    page.goto(link)
    page.wait_for_selector(f"{_ROW} .ag-cell[col-id]", timeout=60_000)
    seconds = time.perf_counter() - began
    page.wait_for_timeout(1500)  # the columns come into their order
    page.remove_listener("console", note)
    return Opened(seconds, *_table(page), faults)


def _table(page: Page) -> tuple[list[str], list[str], list[str]]:
    """Columns from left to right, those of which every cell is empty, and the runs from top to bottom."""
    heads = page.eval_on_selector_all(
        ".ag-header-cell[col-id]",
        "cells => cells.map(cell => [cell.getBoundingClientRect().x, cell.getAttribute('col-id')])",
    )
    columns = [name for _, name in sorted(heads) if not name.isdigit()]
    cells = page.eval_on_selector_all(
        ".ag-row .ag-cell[col-id]",
        "cells => cells.map(cell => [cell.getAttribute('col-id'), cell.innerText.trim()])",
    )
    filled = {name for name, text in cells if text not in {"", "-"}}
    rows = page.eval_on_selector_all(
        ".ag-row a[href*='/runs/']",
        "links => links.map(link => [link.getBoundingClientRect().y, link.getAttribute('href')])",
    )
    ids = [href.partition("/runs/")[2][:32] for _, href in sorted(rows)]
    return columns, [name for name in columns if name not in filled], list(dict.fromkeys(ids))


def champion_of(view: View, runs: Sequence[RunRecord]) -> str:
    """The ID of the run that a view has to show first."""
    if PARENT_TAG in view.condition:
        (parent,) = [run for run in runs if run.run_id in view.condition]
        return parent.tags[BEST_RUN_TAG]
    if f"`{KIND_TAG}` = " in view.condition:
        return max(runs, key=lambda run: (run.metrics.get(view.order.key, -1.0), run.start_ms)).run_id
    ranked = [run for run in runs if kind_of(run) in RANKED_KINDS and REUSES_TAG not in run.tags]
    shown = [run for run in ranked if view.order.key in run.metrics and _is_meant(run, view)]
    sign = -1 if view.ascending else 1
    keys = [f"best/{task.primary_metric}" for task in TASKS]
    primary = next(key for key in keys if key in shown[0].metrics)
    return max(shown, key=lambda run: (sign * run.metrics[primary], -run.metrics["best/val/loss"])).run_id


def _is_meant(run: RunRecord, view: View) -> bool:
    """By the view's conditions beside the kind of the run."""
    if "run_id IN" in view.condition:
        return run.run_id in view.condition
    return "export/int8/size_mib" not in view.condition or "export/int8/size_mib" in run.metrics


def measure(root: Path) -> None:
    """Writes the section: every view over a copy of the store under `root` and over one with its runs 15 times.

    A fresh browser for each view; the server is warm.
    """
    with TemporaryDirectory(prefix="encore-bench-") as scratch:
        roots = [Path(scratch) / name / "mlruns" for name in ("once", "often")]
        for copy in roots:
            shutil.copytree(root, copy)
            Store.open(copy)
        multiply(roots[1], _TIMES_MORE)
        _write(roots)


def _write(roots: Sequence[Path]) -> None:
    body = table(
        [
            "store",
            "view",
            "rows there after (3 times)",
            "columns",
            "empty columns",
            "best run first",
            "faults",
        ],
        [line for root in roots for line in _over(root)],
    )
    command = "python -m benchmarks store --root FOLDER; python -m benchmarks views --root FOLDER"
    write_section(_TITLE, command, _HEAD + body)


def _over(root: Path) -> list[list[object]]:
    """A line for each view of each experiment. The first opening of all warms the server and is not counted."""
    store = Store.open(root)
    lines: list[list[object]] = []
    runs = direct(store).runs()
    with _served(root) as link:
        with browser_page(1440, 900) as page:
            opened(page, link)
        for name in sorted({run.experiment for run in runs}):
            found_id = experiment_id(store, name)
            assert found_id is not None
            among = [run for run in runs if run.experiment == name]
            for view in _distinct(save_views(store, name)):
                address = view_link(link.partition("/#")[0], found_id, view.key)
                lines.append(
                    [f"{len(runs):,} runs", f"{name}, {view.name}", *_measured(view, address, among)]
                )
    return lines


def _distinct(views: Sequence[View]) -> list[View]:
    """Of the sweeps the newest three."""
    sweeps = [view for view in views if PARENT_TAG in view.condition]
    return [view for view in views if view not in sweeps[3:]]


def _measured(view: View, address: str, among: Sequence[RunRecord]) -> list[object]:
    seconds: list[float] = []
    for _ in range(3):  # as somebody opens it
        with browser_page(1440, 900) as page:
            seconds.append(opened(page, address).seconds)
    with browser_page() as page:  # as large as all of it is
        seen = opened(page, address)
    champion = next(run for run in among if run.run_id == champion_of(view, among))
    first = next(run for run in among if run.run_id == seen.run_ids[0])
    best = (
        first == champion or first.metrics[view.order.key] == champion.metrics[view.order.key]
    )  # a copy of it
    return [
        ", ".join(f"{one:.1f} s" for one in seconds),
        len(seen.columns),
        ", ".join(seen.empty_columns) or "none",
        "yes" if best else f"no: {first.name}",
        ", ".join(dict.fromkeys(seen.faults)) or "none",
    ]


@contextmanager
def _served(root: Path) -> Generator[str]:
    """The link that `encore ui` prints."""
    port = str(free_port_here())
    command = [sys.executable, "-m", "cli", "ui", "--no-open", "--port", port, "--root", str(root)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    yield process.stdout.readline().strip()
    process.terminate()
    process.wait(60)
