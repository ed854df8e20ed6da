"""`encore report` of a sweep: its time, its size, the same bytes twice, and the page in a browser."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks.results import commit, table, write_section

_RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
_A4 = 794 - 2 * 45  # CSS pixels of a page's width less its margins of 12 mm
_CUT = """width => [...document.querySelectorAll('th, td, p, svg, figcaption')]
          .filter(one => one.getBoundingClientRect().right > width + 1).length"""


def measure(root: Path, sweep: str) -> None:
    """Writes the section."""
    with TemporaryDirectory(prefix="encore-bench-") as scratch:
        files = [Path(scratch) / f"{number}.html" for number in range(3)]
        walls, processor = zip(*(_written(file, root, sweep) for file in files), strict=True)
        contents = [file.read_bytes() for file in files]
        seen = list(_seen(files[0]))
    digests = {hashlib.sha256(content).hexdigest() for content in contents}
    runs = contents[0].count(b"<code>encore reproduce")
    rows = [
        ["wall time, cold, median of 3", f"{sorted(walls)[1]:.1f} s", "at most 15 s"],
        ["processor time, median of 3", f"{sorted(processor)[1]:.1f} s", ""],
        ["size", f"{len(contents[0]) / 1e6:.2f} MB", "at most 2 MB"],
        ["different pages of three", str(len(digests)), "1"],
    ]
    told = (
        f"{runs} runs, commit {commit()}, load of the machine after measuring {os.getloadavg()[0]:.1f} on "
        f"{os.cpu_count()} cores.\n\n"
    )
    browser = table(["page", "axe violations", "sideways scroll", "requests", "console errors", "cut"], seen)
    command = "python -m benchmarks report SWEEP --root FOLDER"
    write_section("A report", command, told + table(["what", "figure", "wanted"], rows) + "\n\n" + browser)


def _written(file: Path, root: Path, sweep: str) -> tuple[float, float]:
    """Wall and processor seconds of a new process."""
    before, began = os.times(), time.perf_counter()
    command = [sys.executable, "-m", "cli", "report", sweep, "--out", str(file), "--root", str(root)]
    subprocess.run(command, check=True, capture_output=True)
    wall, after = time.perf_counter() - began, os.times()
    spent = after.children_user + after.children_system - before.children_user - before.children_system
    return wall, spent


def _seen(file: Path) -> Iterator[list[object]]:
    """A row for each way to look at the page; `-` where a figure has no meaning."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        for width in (360, 1280):
            for scheme in ("light", "dark"):
                yield _looked_at(browser, file, f"{width} px, {scheme}", width, scheme)
        yield _looked_at(browser, file, "1,280 px, scripts off", 1280, "light", scripts=False)
        yield _looked_at(browser, file, "on paper (A4)", _A4, "light", paper=True)
        pane = file.with_name("pane.html")
        frame = '<!doctype html><iframe sandbox="allow-scripts" width="700" height="600" src="{}"></iframe>'
        pane.write_text(frame.format(file.name), encoding="utf-8")
        yield _looked_at(browser, pane, "in a sandboxed pane", 1280, "light")
        browser.close()


def _looked_at(
    browser: Any, file: Path, name: str, width: int, scheme: str, *, scripts: bool = True, paper: bool = False
) -> list[object]:
    context = browser.new_context(
        viewport={"width": width, "height": 900}, color_scheme=scheme, java_script_enabled=scripts
    )
    page = context.new_page()
    requests: list[str] = []
    errors: list[str] = []
    page.on("request", lambda request: requests.append(request.url))
    page.on("console", lambda message: errors.append(message.text))
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(file.as_uri())
    own = [url for url in requests if url.startswith("file:")]
    if scripts and not paper:
        page.eval_on_selector_all("details", "all => all.forEach(one => one.open = true)")
    violations = len(_violations(page)) if scripts and file.name != "pane.html" else "-"
    beyond = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    cut: object = "-"
    if paper:
        page.emulate_media(media="print")
        cut = page.evaluate(_CUT, width)
    context.close()
    return [name, violations, f"{beyond} px", len(requests) - len(own), len(errors), cut]


def _violations(page: Any) -> list[Any]:
    from axe_playwright_python.sync_playwright import Axe

    return Axe().run(page, options={"runOnly": _RULES}).response["violations"]
