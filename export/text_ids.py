"""Token ids of a text by its `tokenizer.json` alone, as a server without transformers reads it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from datamodules.cut import TextLimit
from errors import UserError
from host.boundary import boundary
from host.model_folder import TOKENIZER

if TYPE_CHECKING:
    from tokenizers import Encoding

_CURE = "Export the run again: `encore export ID`."


@dataclass(frozen=True)
class Ids:
    """Of one text, special tokens in. cut: whether it had more than these."""

    ids: list[int]
    cut: bool


class TextIds:
    """The tokenizer of an exported folder. limit: how a text is cut; none: never.

    The name of a special token in a text is a text like any other. UserError for a file that the tokenizers library
    cannot read.
    """

    def __init__(self, folder: Path, *, limit: TextLimit | None) -> None:
        from tokenizers import Tokenizer

        self._path = path = folder / TOKENIZER
        self._limit = limit
        with boundary("holds no tokenizer that can be read", where=str(path), cure=_CURE):
            self.tokenizer = Tokenizer.from_file(str(path))
            self.tokenizer.no_padding()
            self.tokenizer.encode_special_tokens = True
            self.tokenizer.no_truncation()

    def of(self, text: str, *, ends: bool = True) -> Ids:
        """ends: with the special tokens around it."""
        return self._cut(self.tokenizer.encode(text, add_special_tokens=ends))

    def _cut(self, text: Encoding) -> Ids:
        limit = self._limit
        return Ids(text.ids, cut=False) if limit is None else Ids(limit.ids(text), limit.is_over(text))

    def spans(self, text: str) -> list[tuple[int, int]]:
        """From which character to which each token reads, special tokens left out."""
        return self.tokenizer.encode(text, add_special_tokens=False).offsets

    def text_of(self, ids: Sequence[int]) -> str:
        """The text of tokens, with U+FFFD where their bytes are none."""
        return self.tokenizer.decode(list(ids), skip_special_tokens=False)

    @property
    def unknown(self) -> int | None:
        """The token for pieces that the vocabulary lacks; none where it has no such token."""
        name = getattr(self.tokenizer.model, "unk_token", None)
        return None if name is None else self.tokenizer.token_to_id(name)

    def id_of(self, token: str) -> int:
        """UserError for one that the vocabulary does not have."""
        found = self.tokenizer.token_to_id(token)
        if found is None:
            raise UserError(f"has no token {token!r:.40}", where=str(self._path), cure=_CURE)
        return found

    def of_all(self, texts: Sequence[str]) -> list[Ids]:
        """The same of each text, while other Python threads run."""
        return [self._cut(found) for found in self.tokenizer.encode_batch(list(texts))]
