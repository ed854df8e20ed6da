"""Texts of somebody else's on a terminal: none of them is markup, steers the terminal or begins a line of its own."""

from __future__ import annotations

import re

from rich.markup import escape

from errors import visible

# Control characters but tab and line feed, line separators, the marks that turn the direction of a line, and halves of
# characters, which no stream can write.
STEERING = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
)
_LEFT_OPEN = re.compile(r"(?<!\\)(\\*+)\[([^\[\]]*+)\Z")


def literal(text: str) -> str:
    """`text` as a part of a line with rich's markup: itself, with an escape for each character that cannot be seen.

    rich's own escape leaves a last `[/` alone, of which a `]` that comes later in the line would make a tag.
    """
    return _LEFT_OPEN.sub(r"\1\1\\[\2", escape(visible(text)))


def harmless(text: str) -> str:
    """`text` of any lines, with an escape for each character that would steer a terminal."""
    return STEERING.sub(lambda found: found[0].encode("unicode_escape").decode(), text)
