"""Subwords of a pretrained tokenizer: BERT's WordPiece, byte-level BPE of GPT-2 and RoBERTa, others of that library."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from analysis.tokens.pieces import Piece, SplitText, stripped
from datamodules.tokenizers import load_tokenizer, tokenizer_digest
from host.boundary import boundary

if TYPE_CHECKING:
    from tokenizers import Encoding

_AT_ONCE = 256


class SubwordSplitter:
    """The tokenizer of a folder or of a hub model. UserError where there is none.

    The name of a special token in a text is a text like any other.
    """

    def __init__(self, name: str, source: str, *, local_files_only: bool, revision: str = "main") -> None:
        self.name = name
        whole = load_tokenizer(source, local_files_only=local_files_only, revision=revision)
        self.digest = tokenizer_digest(whole)
        self.special = whole.num_special_tokens_to_add()
        self._tokenizer = whole.backend_tokenizer
        unknown = getattr(self._tokenizer.model, "unk_token", None)  # byte-level BPE has none
        self._unknown = None if unknown is None else self._tokenizer.token_to_id(unknown)
        self._tokenizer.encode_special_tokens = True
        self._tokenizer.no_truncation()
        self._tokenizer.no_padding()
        [spaced] = self._encoded(["a b"])
        self._trims = all(
            start != 1 for start, _ in spaced.offsets
        )  # whether its spans begin after the space

    def pieces(self, text: str) -> list[Piece]:
        [encoding] = self._encoded([text])
        return [
            Piece(token, number, *stripped(text, *span))
            for token, number, span in zip(encoding.tokens, encoding.ids, encoding.offsets, strict=True)
        ]

    def split(self, texts: Sequence[str]) -> Iterator[SplitText]:
        for begin in range(0, len(texts), _AT_ONCE):
            some = texts[begin : begin + _AT_ONCE]
            encodings = self._encoded(some)
            ids = [encoding.ids for encoding in encodings]
            restored = self._tokenizer.decode_batch(ids, skip_special_tokens=False)
            for text, encoding, row, back in zip(some, encodings, ids, restored, strict=True):
                spans = encoding.offsets
                if not self._trims:
                    spans = [stripped(text, *span) for span in spans]
                unread = {span for span, number in zip(spans, row, strict=True) if number == self._unknown}
                yield SplitText(spans, row.count(self._unknown) if unread else 0, back, frozenset(unread))

    def _encoded(self, texts: Sequence[str]) -> list[Encoding]:
        with boundary(
            "cannot split a text",
            where=f"tokenizer {self.name}",
            cure="It needs an undamaged tokenizer.json, of a kind that the tokenizers library here knows.",
        ):
            return self._tokenizer.encode_batch(list(texts), add_special_tokens=False)
