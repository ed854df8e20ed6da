"""A run's description, in Markdown: what it came to stands first, then a rule, then what it was."""

from __future__ import annotations

from errors import visible
from tracking.redaction import redacted

NOTE_TAG = "mlflow.note.content"
_RULE = "\n\n---\n\n"


def opened_with(headline: str, note: str) -> str:
    """`note` under `headline`, which takes the place of the one that stands there."""
    return f"{headline}{_RULE}{_parts(note)[1]}"


def with_words(words: str, note: str) -> str:
    """`words` of a person in place of what a run was; what it came to stays above them."""
    headline, _ = _parts(note)
    return f"{headline}{_RULE}{words}" if headline else words


def _parts(note: str) -> tuple[str, str]:
    """The headline, which begins in bold, and the rest; no headline where a rule is a person's own."""
    headline, rule, body = note.partition(_RULE)
    return (headline, body) if rule and headline.startswith("**") else ("", note)


def plain(text: str) -> str:
    """A sentence from elsewhere on one line, without secrets, nothing of it read as Markdown or HTML."""
    line = visible(
        " ".join(redacted(text).split())
    )  # first: of an escaped secret nothing would be recognised
    return "".join(f"\\{character}" if character in "\\`*_[]<>|#!~&" else character for character in line)
