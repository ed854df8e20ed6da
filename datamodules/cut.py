"""What of a text is kept that is longer than a model reads: the one place where texts are cut.

`export/served_model.py`, which stands alone, does the same; a test holds the two together.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from errors import UserError

if TYPE_CHECKING:
    from tokenizers import Encoding, Tokenizer
    from transformers import BatchEncoding

Cut = Literal["head", "tail", "head_tail"]
_HEAD = 4  # the head of head_tail is one of so many parts


def ends_kept(room: int, cut: Cut) -> tuple[int, int]:
    """How many tokens are kept of a text's beginning and of its end, `room` together.

    head_tail: a quarter from the beginning, rounded up, and the rest from the end. Of 512 tokens with [CLS] and [SEP]
    these are the 128 first and 382 last ones that Sun et al. 2019 found best (arXiv 1905.05583, section 5.3).
    """
    match cut:
        case "head":
            return room, 0
        case "tail":
            return 0, room
        case "head_tail":
            head = -(-room // _HEAD)
            return head, room - head


def told_cut(left_out: int, read: int, cut: Cut) -> str:
    """What is said of a text that was cut: how many of its tokens, and which others are read."""
    kept = {"head": "of its beginning", "tail": "of its end", "head_tail": "of its beginning and its end"}[
        cut
    ]
    return f"{left_out:,} tokens of the text are cut: {read} {kept} are read, special ones included."


@dataclass(frozen=True)
class TextLimit:
    """max_tokens: of a text, special tokens included. cut: what is kept of a longer one."""

    max_tokens: int
    cut: Cut = "head"

    def is_over(self, text: Encoding) -> bool:
        return len(text.ids) > self.max_tokens

    def ids(self, text: Encoding) -> list[int]:
        """The ids of what is kept."""
        ids = text.ids
        return [ids[place] for place in self.kept(text)] if len(ids) > self.max_tokens else ids

    def kept(self, text: Encoding) -> list[int]:
        """Which tokens of a text that was read whole: of a longer one the special tokens around it, and its ends.

        UserError where the special tokens leave no room.
        """
        around = text.special_tokens_mask
        tokens = len(around)
        if tokens <= self.max_tokens:
            return list(range(tokens))
        room = self.max_tokens - sum(around)
        if room < 1:
            raise UserError(
                f"the {sum(around)} special tokens around a text leave no room in {self.max_tokens}",
                where="data.max_tokens",
                cure=f"Give {sum(around) + 1} or more.",
            )
        head, tail = ends_kept(room, self.cut)
        ahead, behind = around.index(0), around[::-1].index(0)
        return [*range(ahead + head), *range(tokens - behind - tail, tokens)]

    @property
    def key(self) -> str:
        """In the name of what is made of cut texts; the first tokens were kept before there was a choice."""
        return str(self.max_tokens) if self.cut == "head" else f"{self.max_tokens} {self.cut}"

    def declare(self, tokenizer: Tokenizer) -> None:
        """Have a `tokenizer.json` say the same to other programs, as far as it can: of two ends it cannot."""
        match self.cut:
            case "head":
                tokenizer.enable_truncation(self.max_tokens)
            case "tail":
                tokenizer.enable_truncation(self.max_tokens, direction="left")
            case "head_tail":
                tokenizer.no_truncation()


def ids_of(texts: BatchEncoding, limit: TextLimit | None) -> Iterator[list[int]]:
    """Of each text; limit: none: whole."""
    assert texts.encodings is not None, "the tokenizer is a fast one"
    return (encoding.ids if limit is None else limit.ids(encoding) for encoding in texts.encodings)
