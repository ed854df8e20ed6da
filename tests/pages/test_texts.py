"""Texts of somebody else's as a page shows them."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pages.texts import LONGEST, label, readable


@given(st.text(st.characters(), max_size=200))
def test_what_is_shown_can_be_written_and_turns_no_line(text: str) -> None:
    shown = readable(text)
    shown.encode()  # a lone surrogate cannot be
    assert not {"\u202e", "\u2066", "\u200f", "\x00", "\x1b", "\r"} & {*shown}
    assert all(character in shown for character in text if character.isalnum())


def test_lines_emoji_and_other_scripts_stay() -> None:
    text = "two\nlines, café, שלום, 你好, \U0001f469\u200d\U0001f680"
    assert readable(text) == text


def test_a_huge_text_is_cut_and_says_so() -> None:
    shown = readable("a" * 2**20)
    assert len(shown) < LONGEST + 100
    assert "1,048,576 characters; the first 4,000 are shown" in shown


def test_a_label_is_one_line() -> None:
    assert label("  a\n\tb\u202ec ") == "a b\\u202ec"
    assert label("x" * 2**20) == "x" * 47 + "…"
