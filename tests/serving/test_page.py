"""The page in a browser without a network: a person types and sees."""

from __future__ import annotations

import shutil
from collections.abc import Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect, sync_playwright

from tests.serving.servers import Running

CHROMIUM = shutil.which("chromium")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this machine")


@pytest.fixture(params=["light", "dark"])
def page(request: pytest.FixtureRequest, int8_server: Running) -> Iterator[Page]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        opened = browser.new_page(color_scheme=request.param)
        opened.route(
            "**/*",
            lambda route: (
                route.continue_() if route.request.url.startswith(int8_server.address) else route.abort()
            ),
        )
        opened.goto(int8_server.address)
        yield opened
        browser.close()


def test_a_person_types_and_sees_the_answer(page: Page, int8_server: Running) -> None:
    faults: list[str] = []
    page.on("console", lambda message: faults.append(message.text) if message.type == "error" else None)
    expect(page.locator("#about")).to_contain_text("int8 of run")
    page.get_by_label("Text").fill("The <b>film</b> is lovely.")
    page.get_by_role("button").click()
    found = int8_server.classify("The <b>film</b> is lovely.").json()
    expect(page.locator(".label")).to_have_text(found["label"])
    expect(page.locator("#answer")).to_contain_text(f"{100 * found['score']:.2f} %")
    expect(page.locator("#answer")).to_contain_text(f"{found['tokens']} tokens")
    assert Axe().run(page).violations_count == 0
    assert faults == []


def test_a_mistake_is_told_with_its_cure(page: Page) -> None:
    page.get_by_label("Text").fill("   ")
    page.get_by_label("Text").press("Control+Enter")
    expect(page.locator(".error")).to_contain_text("empty")
    assert Axe().run(page).violations_count == 0
