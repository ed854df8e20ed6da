"""A page as text: what stands in its head, how its parts hang together, and that no text becomes markup."""

from __future__ import annotations

import re

from pages.rendering import page
from pages.sections import Fact, Section, Story
from pages.tables import Column, Row, table

HOSTILE = "<script>alert(1)</script></script>\"'<img src=x onerror=alert(2)>{{ 7 * 7 }}\u202e\ud800"
HARMLESS = (
    "&lt;script&gt;alert(1)&lt;/script&gt;&lt;/script&gt;&#34;&#39;&lt;img src=x onerror=alert(2)&gt;"
    "{{ 7 * 7 }}\\u202e\\ud800"
)


def shown(*sections: Section, title: str = "A title", notes: tuple[str, ...] = ()) -> str:
    return page(title, sections, kicker="Kind", lead="Lead", foot="Foot", notes=notes)


def everywhere(text: str) -> Section:
    """A section that holds `text` in every place that has one."""
    data = table("rows", text, [Column(text, note=text), Column(text, "code")], [Row((text, text), text)])
    folded = table("folded", text, [text], [(text,)])
    return Section(
        "all",
        text,
        (text,),
        (Fact(text, text, text),),
        (text,),
        (),
        (data,),
        (folded,),
        (Story(text, text, text, False),),
    )


def test_every_text_is_shown_as_text() -> None:
    whole = shown(everywhere(HOSTILE), everywhere(HOSTILE), title=HOSTILE, notes=(HOSTILE,))
    whole.encode()
    assert "<script" not in whole
    assert "<img" not in whole
    assert "49" not in whole[whole.index("<body>") :]
    # the title twice, the note, and each section: title, in the navigation too, paragraph, fact 3, note, table 7,
    # folded table 4, story 3
    assert whole.count(HARMLESS) == 3 + 2 * 21


def test_the_head_forbids_everything_but_its_own_style() -> None:
    whole = shown(everywhere("x"))
    assert whole.startswith('<!doctype html>\n<html lang="en">')
    policy = re.search(r'Content-Security-Policy" content="([^"]+)"', whole)
    assert policy is not None
    assert "default-src 'none'" in policy[1]
    assert "script-src" not in policy[1]
    assert "<title>A title</title>" in whole
    assert not re.search(r"https?://(?!www\.w3\.org)|url\((?!#)|@import|<link|<iframe", whole)


def test_headings_landmarks_and_tables_hang_together() -> None:
    whole = shown(everywhere("x"), Section("second", "Second"))
    levels = [int(level) for level in re.findall(r"<h(\d)", whole)]
    assert levels == [1, 2, 3, 2]
    for landmark in ("header", "main", "footer", "nav"):
        assert len(re.findall(f"<{landmark}[ >]", whole)) == 1
    named = re.findall(r'aria-labelledby="([^"]+)"', whole)
    assert set(named) <= {*re.findall(r' id="([^"]+)"', whole)}
    assert whole.count("<table>") == whole.count("<caption") == whole.count('role="region"')


def test_a_text_of_a_megabyte_fills_no_page() -> None:
    assert len(shown(everywhere("<&" * 2**19))) < 1_000_000


def test_the_same_content_gives_the_same_text() -> None:
    assert shown(everywhere("x")) == shown(everywhere("x"))
