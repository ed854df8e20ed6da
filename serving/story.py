"""A text while it is written: what of it may be sent already, and where it stops.

Shape legend: V vocabulary.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from export.decoding_rows import Logits
    from generation.sampling import Draft

Decode = Callable[[Sequence[int]], str]
_INCOMPLETE = "\N{REPLACEMENT CHARACTER}"  # what a decoder makes of the first bytes of a character


class Unfolding:
    """The text of tokens as they come: whole characters alone, of which all together are the text of all tokens.

    ids: of the prompt, whose text is not said again. Each time two short stretches of tokens are decoded, never the
    whole text; a stretch begins at a token after which the text was whole.
    """

    def __init__(self, decode: Decode, ids: Sequence[int]) -> None:
        self._decode = decode
        self._ids = list(ids)  # from the beginning of the stretch on
        self._whole = len(ids)  # of these, after which the text was whole
        self._said = len(decode(ids))  # characters of the stretch

    def take(self, token: int) -> str:
        """What the next token adds; nothing while a character lacks bytes."""
        self._ids.append(token)
        text = self._decode(self._ids)
        if text.endswith(_INCOMPLETE):
            return ""
        added = text[self._said :]
        self._ids = self._ids[self._whole :]
        self._whole, self._said = len(self._ids), len(self._decode(self._ids))
        return added

    def rest(self) -> str:
        """What is left at the end: bytes that never became a character, as U+FFFD."""
        return self._decode(self._ids)[self._said :]


class Stops:
    """Text until the first of some strings is whole; what may be the beginning of one is held back.

    What it lets through depends on the text alone, not on the pieces in which it comes.
    """

    def __init__(self, strings: Sequence[str]) -> None:
        self._strings = tuple(strings)
        self.held = ""

    def take(self, piece: str) -> tuple[str, bool]:
        """What of the text may be said now, and whether it stops there."""
        text = self.held + piece
        at = self._found(text)
        if at is not None:
            self.held = ""
            return text[:at], True
        kept = len(text) - self._beginning(text)
        self.held = text[kept:]
        return text[:kept], False

    def _found(self, text: str) -> int | None:
        """Where the string begins that is whole first; of two that are so at once, the longer."""
        starts = ((text.find(string), len(string)) for string in self._strings)
        ends = [(at + length, at) for at, length in starts if at >= 0]
        return min(ends)[1] if ends else None

    def _beginning(self, text: str) -> int:
        """How many of the last characters are the beginning of a string."""
        most = min(len(text), max(map(len, self._strings), default=1) - 1)
        return next((n for n in range(most, 0, -1) if self._begins(text[-n:])), 0)

    def _begins(self, end: str) -> bool:
        return any(string.startswith(end) for string in self._strings)


@dataclass(frozen=True)
class Piece:
    """What one token adds to a text. why: it ends here, by itself or at a string (`stop`), or at its limit."""

    text: str
    why: Literal["stop", "length"] | None


class Story:
    """One text: `tokens` were drawn for it, its end included."""

    def __init__(self, draft: Draft, decode: Decode, stops: Sequence[str]) -> None:
        self.draft, self.tokens = draft, 0
        self._unfolding, self._stops = Unfolding(decode, draft.ids), Stops(stops)

    def take(self, logits_V: Logits) -> Piece:
        """Draw the next token. RunError for logits that are not finite."""
        self.draft.take(logits_V)
        self.tokens += 1
        added = "" if self.draft.ended else self._unfolding.take(self.draft.ids[-1])
        said, stopped = self._stops.take(added)
        if stopped or self.draft.goes_on:
            return Piece(said, "stop" if stopped else None)
        last, stopped = self._stops.take(self._unfolding.rest())
        last += self._stops.held
        return Piece(said + last, "stop" if stopped or self.draft.ended else "length")
