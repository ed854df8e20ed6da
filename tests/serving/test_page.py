"""The page in a browser without a network: a person types and sees."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Literal

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect, sync_playwright

from export.streams import Streams
from serving.service import WriterService
from tests.serving.servers import Running, here, wait_for

CHROMIUM = shutil.which("chromium")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this machine")


@contextmanager
def opened(address: str, scheme: Literal["light", "dark"]) -> Iterator[Page]:
    """The page, which reaches its own server alone."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = browser.new_page(color_scheme=scheme)
        page.route(
            "**/*",
            lambda route: route.continue_() if route.request.url.startswith(address) else route.abort(),
        )
        page.goto(address)
        yield page
        browser.close()


@pytest.fixture(params=["light", "dark"])
def page(request: pytest.FixtureRequest, int8_server: Running) -> Iterator[Page]:
    with opened(int8_server.address, request.param) as found:
        yield found


@pytest.fixture(params=["light", "dark"])
def story_page(request: pytest.FixtureRequest, story_server: Running) -> Iterator[Page]:
    with opened(story_server.address, request.param) as found:
        expect(found.locator("#about")).to_contain_text("int8 of run")
        yield found


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


def test_an_answer_goes_with_its_text(page: Page) -> None:
    page.get_by_label("Text").fill("The film is lovely.")
    page.get_by_role("button").click()
    expect(page.locator(".label")).to_be_visible()
    page.get_by_label("Text").fill("The film is dull.")
    expect(page.locator(".label")).to_be_visible()
    page.get_by_label("Text").fill("")
    expect(page.locator("#answer")).to_have_text("Nothing was asked yet.")
    assert Axe().run(page).violations_count == 0


def test_the_page_and_all_that_it_asks_for_are_there(int8_server: Running) -> None:
    """The icon, too, which a browser without a head does not ask for; nothing is refused by the page's own policy."""
    found: dict[str, int] = {}
    faults: list[str] = []
    with opened(int8_server.address, "light") as page:
        page.on("response", lambda answer: found.update({answer.url: answer.status}))
        page.on("console", lambda message: faults.append(message.text) if message.type == "error" else None)
        page.reload()
        icon = page.locator("link[rel=icon]").get_attribute("href") or ""
        drawn = page.evaluate(
            """async (address) => {
                const image = new Image();
                image.src = address;
                await image.decode();
                return image.naturalWidth;
            }""",
            icon,
        )
        expect(page.locator("#about")).to_contain_text("int8 of run")
    assert drawn > 0
    assert found[f"{int8_server.address}{icon}"] == 200
    assert set(found.values()) == {200}
    assert faults == []


def test_a_mistake_is_told_with_its_cure(page: Page) -> None:
    page.get_by_label("Text").fill("   ")
    page.get_by_label("Text").press("Control+Enter")
    expect(page.locator(".error")).to_contain_text("empty")
    assert Axe().run(page).violations_count == 0


def test_a_server_that_has_ended_is_told(page: Page) -> None:
    page.context.set_offline(True)
    page.get_by_label("Text").fill("A film")
    page.get_by_label("Text").press("Control+Enter")
    expect(page.locator(".error")).to_contain_text("The server does not answer.")


@pytest.mark.parametrize("beginning", ["Once <b>upon</b> a time", ""])
def test_a_person_types_a_beginning_and_sees_the_story(
    story_page: Page, story_server: Running, beginning: str
) -> None:
    faults: list[str] = []
    story_page.on("console", lambda message: faults.append(message.text) if message.type == "error" else None)
    story_page.get_by_label("Beginning").fill(beginning)
    story_page.get_by_label("Seed").fill("7")
    story_page.get_by_label("Temperature").fill("0.5")
    story_page.get_by_role("button", name="Write").click()
    found = story_server.complete(beginning, seed=7, temperature=0.5, echo=True).json()
    expect(story_page.locator("#answer")).to_contain_text(f"{found['usage']['completion_tokens']} tokens")
    expect(story_page.locator(".story")).to_have_text(found["choices"][0]["text"])
    assert Axe().run(story_page).violations_count == 0
    assert faults == []


def test_a_beginning_that_is_refused_is_told_with_the_cure(story_page: Page) -> None:
    story_page.get_by_label("Beginning").fill("An <|endoftext|>")
    story_page.get_by_role("button", name="Write").click()
    expect(story_page.locator(".error")).to_contain_text("Take it out.")
    expect(story_page.locator(".story")).to_have_count(0)
    assert Axe().run(story_page).violations_count == 0


@pytest.mark.slow
def test_a_story_is_seen_while_it_is_written_and_can_be_stopped(
    service: WriterService, monkeypatch: pytest.MonkeyPatch
) -> None:
    goes_on, steps, sound = threading.Event(), [0], Streams.step

    def waits_at_five(streams: Streams, tokens: Any) -> Any:
        steps[0] += 1
        if steps[0] == 5:
            goes_on.wait(60)
        return sound(streams, tokens)

    monkeypatch.setattr(Streams, "step", waits_at_five)
    with here(service) as port, opened(f"http://127.0.0.1:{port}", "light") as page:
        expect(page.get_by_role("button", name="Stop")).to_be_disabled()
        page.get_by_label("Temperature").fill("0")
        page.get_by_label("Beginning").fill("Once")
        page.get_by_role("button", name="Write").click()
        wait_for(lambda: steps[0] == 5)
        expect(page.locator("#answer")).to_contain_text("Writing")
        assert Axe().run(page).violations_count == 0
        page.get_by_role("button", name="Stop").click()
        expect(page.locator("#answer")).to_contain_text("You stopped it.")
        wait_for(lambda: service.threads.queued_tokens == 0)
        goes_on.set()
        assert len(page.locator(".story").text_content() or "") > len("Once")
        expect(page.get_by_role("button", name="Write")).to_be_enabled()
