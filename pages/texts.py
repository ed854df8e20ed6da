"""Texts from outside as a page shows them: nothing of them steers the page or is hidden, and none fills it."""

from __future__ import annotations

_KEPT = {
    "\n",
    "\t",
    "\u00a0",
    "\u200c",
    "\u200d",
}  # no-break space; the (non-)joiners, which scripts and emoji need
LONGEST = 4000  # characters of one text
SHORT = 8  # characters of a run's ID that people type


def readable(text: str, limit: int = LONGEST) -> str:
    """`text` with an escape for each character that cannot be seen or turns the line, and its rest left out, and said.

    Lone surrogates, which no file in UTF-8 can hold, are such characters. Escaping HTML is the template's matter.
    """
    shown = "".join(_seen(character) for character in text[:limit])
    return (
        shown if len(text) <= limit else f"{shown}… [{len(text):,} characters; the first {limit:,} are shown]"
    )


def label(text: str, limit: int = 48) -> str:
    """`text` as the short name of something: on one line, its rest left out."""
    line = " ".join(text[: 4 * limit].split())
    shown = "".join(_seen(character) for character in line[:limit])
    return shown if len(line) <= limit else f"{shown[: limit - 1]}…"


def _seen(character: str) -> str:
    if character in _KEPT or character.isprintable():
        return character
    return character.encode("unicode_escape").decode()
