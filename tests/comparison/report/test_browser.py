"""The page in a browser: on a telephone and a desk, light and dark, without scripts, inside a pane, and on paper."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import pytest

from analysis.tokens.comparing import disagreements
from analysis.tokens.corpus import corpus_statistics
from analysis.tokens.pieces import Piece
from analysis.tokens.words import NltkSplitter
from comparison.report.attempts import Attempts
from comparison.report.page import page_of
from comparison.report.subject import subject_of
from experiments.studies.attention_page import text_page as text_page_of_attention
from experiments.studies.sentiment import Answer
from experiments.studies.sentiment_page import sentiment_page
from experiments.studies.tokens import findings_of_text
from experiments.studies.tokens_page import corpus_page, text_page
from experiments.training.samples import Sample
from experiments.training.samples import page as page_of_samples
from tests.attentions import made_findings
from tests.comparison.report.stores import sweep_of
from tracking.store import Store

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe is not installed")

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.slow
_RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
_A4 = 794 - 2 * 45  # CSS pixels of a page's width less its margins of 12 mm
PAGES = ("report", "stories", "tokens", "corpus", "sentiment", "attention")
HOSTILE = "<script>document.title = 'hit'</script></script>\u202e" + "x" * 3000


@dataclass
class Opened:
    page: Page
    requests: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.skip("no Chromium on this machine")
    with playwright.sync_playwright() as driver:
        running = driver.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        yield running
        running.close()


@pytest.fixture(scope="module")
def pages(migrated: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("pages")
    shutil.copy(migrated, folder / "mlflow.db")
    store = Store.open(folder)
    subject = subject_of(store, [sweep_of(store, 12, name="tiny", tags={"encore.export_gate": HOSTILE})])
    (folder / "report.html").write_text(page_of(subject, Attempts()))
    samples = [
        Sample(step, prompt, f"{prompt} there was {HOSTILE}", 9, ended=step > 1)
        for step in (1, 2)
        for prompt in ("", "Once")
    ]
    (folder / "stories.html").write_text(page_of_samples(samples))
    (folder / "tokens.html").write_text(text_page(tokens_of(f"don't {HOSTILE} \N{THUMBS UP SIGN}")))
    (folder / "corpus.html").write_text(corpus_page(corpus_of([HOSTILE, "two words"])))
    (folder / "sentiment.html").write_text(sentiment_page(answers_of([HOSTILE, "fine"])))
    (folder / "attention.html").write_text(
        text_page_of_attention(*made_findings([HOSTILE, "fine", "it"], 2, 12))
    )
    return {name: folder / f"{name}.html" for name in PAGES}


def tokens_of(text: str) -> dict[str, Any]:
    split = {"nltk": NltkSplitter().pieces(text), "whole <b>": [Piece(text, 7, 0, len(text))]}
    return findings_of_text(text, split, disagreements(text, split))


def corpus_of(texts: list[str]) -> dict[str, Any]:
    return {**asdict(corpus_statistics(texts, [NltkSplitter()])), "corpus": "sst2", "split": "train"}


def answers_of(texts: list[str]) -> dict[str, Any]:
    answers = [asdict(Answer(text, "POSITIVE", 0.9, 2.0, 9, cut=True)) for text in texts]
    return {"labels": ["NEGATIVE", "POSITIVE"], "answers": answers}


def opened(
    browser: Browser,
    file: Path,
    *,
    width: int = 1280,
    scheme: Literal["light", "dark"] = "light",
    scripts: bool = True,
) -> Opened:
    context = browser.new_context(
        viewport={"width": width, "height": 800}, color_scheme=scheme, java_script_enabled=scripts
    )
    found = Opened(context.new_page())
    found.page.on("request", lambda request: found.requests.append(request.url))
    found.page.on("console", lambda message: found.errors.append(message.text))
    found.page.on("pageerror", lambda error: found.errors.append(str(error)))
    found.page.goto(file.as_uri())
    return found


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1280])
@pytest.mark.parametrize("name", PAGES)
def test_nothing_is_wrong_for_anybody(
    browser: Browser, pages: dict[str, Path], name: str, width: int, scheme: Literal["light", "dark"]
) -> None:
    found = opened(browser, pages[name], width=width, scheme=scheme)
    found.page.eval_on_selector_all("details", "all => all.forEach(one => one.open = true)")
    violations = axe.Axe().run(found.page, options={"runOnly": _RULES}).response["violations"]
    assert [(one["id"], one["nodes"][0]["html"]) for one in violations] == []
    assert found.page.evaluate("document.documentElement.scrollWidth") <= width
    assert found.requests == [pages[name].as_uri()]
    assert found.errors == []
    assert found.page.title() != "hit"
    found.page.context.close()


@pytest.mark.parametrize("name", ["report", "stories"])
def test_it_reads_without_scripts(browser: Browser, pages: dict[str, Path], name: str) -> None:
    found = opened(browser, pages[name], scripts=False)
    assert found.page.get_by_role("heading", level=1).is_visible()
    for summary in found.page.locator("summary").all():
        summary.click()
    for table in found.page.locator("table").all():
        assert table.is_visible()
    found.page.context.close()


def test_it_shows_inside_a_sandboxed_pane(browser: Browser, pages: dict[str, Path], tmp_path: Path) -> None:
    """As MLflow shows an artifact."""
    outer = tmp_path / "pane.html"
    text = pages["report"].read_text()
    outer.write_text(
        f'<!doctype html><iframe sandbox="allow-scripts" width="700" height="600" srcdoc="{escape(text)}"></iframe>'
    )
    found = opened(browser, outer)
    inner = found.page.frame_locator("iframe")
    assert inner.get_by_role("heading", level=1).is_visible()
    assert inner.locator("svg").first.is_visible()
    assert found.errors == []
    assert [url for url in found.requests if not url.startswith("about:")] == [outer.as_uri()]
    link = inner.get_by_role("link", name="The runs", exact=True)
    link.click()
    assert inner.locator("#runs h2").is_visible()
    found.page.context.close()


@pytest.mark.parametrize("name", ["report", "stories"])
def test_on_paper_nothing_is_cut(browser: Browser, pages: dict[str, Path], name: str) -> None:
    found = opened(browser, pages[name], width=_A4)
    assert found.page.pdf(prefer_css_page_size=True).startswith(b"%PDF")
    found.page.emulate_media(media="print")
    beyond = found.page.evaluate(
        """width => [...document.querySelectorAll('th, td, p, svg, figcaption')]
               .filter(one => one.getBoundingClientRect().right > width + 1).map(one => one.outerHTML.slice(0, 200))""",
        _A4,
    )
    assert beyond == []
    for table in found.page.locator("table").all():
        assert table.bounding_box() is not None
    assert not found.page.locator("summary").first.is_visible() if name == "report" else True
    found.page.context.close()


@pytest.mark.parametrize("width", [360, 1280])
def test_every_drawing_is_seen_whole_with_texts_that_can_be_read(
    browser: Browser, pages: dict[str, Path], width: int
) -> None:
    found = opened(browser, pages["report"], width=width)
    drawings = found.page.locator("figure svg:visible")
    for name in ("against", "curves"):
        assert found.page.locator(f"#{name} svg:visible").count() == 1
    for drawing in drawings.all():
        box = drawing.bounding_box()
        assert box is not None
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= width
        heights = drawing.evaluate(
            "one => [...one.querySelectorAll('text')].map(text => text.getBoundingClientRect().height)"
        )
        assert min(heights) >= 10
    found.page.context.close()


def test_the_caption_of_a_scrolled_table_is_seen_whole(browser: Browser, pages: dict[str, Path]) -> None:
    found = opened(browser, pages["report"], width=360)
    for caption in found.page.locator("caption span:visible").all():
        box = caption.bounding_box()
        assert box is not None
        assert box["x"] + box["width"] <= 360
    found.page.context.close()


def test_a_wide_table_is_scrolled_by_keys(browser: Browser, pages: dict[str, Path]) -> None:
    found = opened(browser, pages["report"], width=360)
    region = found.page.get_by_role("region", name="The winner first")
    region.focus()
    found.page.keyboard.press("ArrowRight")
    found.page.wait_for_timeout(500)  # the page forbids scripts, and with them waiting for a condition
    assert region.evaluate("region => region.scrollLeft") > 0
    found.page.context.close()


def test_attention_is_gone_through_by_keys_and_pointer(browser: Browser, pages: dict[str, Path]) -> None:
    _, weights, _ = made_findings([HOSTILE, "fine", "it"], 2, 12)
    found = opened(browser, pages["attention"])
    told, title = found.page.locator("#attention-cell"), found.page.locator("#attention-title")

    def share(layer: int, head: int, row: int, column: int) -> str:
        return f"{100 * weights[layer, head, row, column]:.0f}"

    found.page.get_by_role("radio", name="layer 0, head 0", exact=True).focus()
    for key in ("ArrowDown", "ArrowRight", "ArrowRight"):
        found.page.keyboard.press(key)
    assert title.inner_text() == "Layer 1, head 2"
    region = found.page.get_by_role("application")
    region.focus()
    for key in ("ArrowDown", "ArrowDown", "ArrowRight"):
        found.page.keyboard.press(key)
    assert told.inner_text().startswith("from fine to ")
    assert abs(float(told.inner_text().split()[-2]) - float(share(1, 2, 2, 1))) <= 1
    region.locator("canvas").scroll_into_view_if_needed()
    box = region.locator("canvas").bounding_box()
    assert box is not None
    found.page.mouse.move(box["x"] + box["width"] - 5, box["y"] + box["height"] - 5)
    assert told.inner_text().startswith("from [SEP] to [SEP]")
    found.page.get_by_label("words", exact=True).check()
    region.focus()
    for key in ("ArrowDown", "ArrowDown", "ArrowRight", "ArrowRight"):
        found.page.keyboard.press(key)
    both = weights[1, 2, 2:4, 2:4].sum() / 2  # the mean of both pieces of a word, to both of them
    assert told.inner_text().startswith("from fine to fine")
    assert abs(float(told.inner_text().split()[-2]) - 100 * both) <= 1
    found.page.get_by_label("rollout through all layers").check()
    assert title.inner_text() == "Rollout"
    assert found.errors == []
    found.page.context.close()
