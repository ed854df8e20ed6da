"""What counts as a word and as a sentence, everywhere in this package.

A word is a run of letters or digits, with single apostrophes inside (`don't`, `lily's`), in lower case. A
curly apostrophe is the straight one. Hyphens, dashes, quotation marks and all other punctuation part words.
"""

from __future__ import annotations

import re

_WORD = re.compile(r"[^\W_]+(?:'[^\W_]+)*")
CLOSING = "\"'\u201d\u2019\u00bb)]}*"  # what may stand behind the mark that ends a sentence


def straight(text: str) -> str:
    """The text with straight apostrophes."""
    return text.replace("\u2019", "'").replace("\u2018", "'")


def cased_words(text: str) -> list[str]:
    """The words of a text as they are written there, capitals kept."""
    return _WORD.findall(straight(text))


def words_of(text: str) -> list[str]:
    """The words of a text."""
    return [word.lower() for word in cased_words(text)]


def ends_a_sentence(text: str) -> bool:
    """Whether the last character, closing quotes and brackets aside, is `.`, `!`, `?` or `…`."""
    return text.rstrip().rstrip(CLOSING).rstrip().endswith((".", "!", "?", "…"))
