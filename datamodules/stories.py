"""Stories as blocks of tokens for a language model: TinyStories and the bundled stories.

Legend: B batch, T tokens of a block.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from datamodules.corpora.stories import generate_stories
from datamodules.hub import DATA_SETS
from datamodules.rows import SplitRows
from datamodules.sources import Splits, from_rows
from datamodules.tokenized import Batch, SplitName, TokenizedData
from datamodules.tokenizers import pad_token_id
from datamodules.tokens import TokenTable
from errors import UserError

IGNORED = -100  # target of a padded position: left out of the loss


class StoryData(TokenizedData):
    """Stories joined by the end-of-text token and cut into blocks of `max_tokens` targets.

    A block holds max_tokens + 1 ids and overlaps the one before by one, so that every token of the
    corpus, ends of stories included, is a target exactly once; the last block is shorter.
    """

    tokenizer_kind = "gpt2_bpe"
    split_names = ("train", "validation")
    column_names = ("text",)

    def columns(self, splits: Splits) -> tuple[SplitRows, SplitRows]:
        return self._rows(splits.train, "train"), self._rows(splits.official, "validation")

    def _rows(self, split: object, name: str) -> SplitRows:
        texts = split[:]["text"]  # type: ignore[index]
        for row, text in enumerate(texts):
            if not isinstance(text, str) or not text.strip():
                raise UserError(
                    f"row {row}: the story is {text!r:.40}",
                    where=f"{self.path or self.hub_repository}, split {name}",
                    cure="Every row needs a story; drop or mend it.",
                )
        return SplitRows([text.strip() for text in texts], None)

    def tokenize(self, texts: Sequence[str]) -> TokenTable:
        end = self.tokenizer.eos_token_id
        if end is None:
            raise UserError(
                "has no end-of-text token",
                where=f"tokenizer {self.tokenizer_source}",
                cure="Give one that has.",
            )
        stories = self.encoded(texts, add_special_tokens=False)
        # The end of the story before the first one opens the stream, as every later story is opened.
        parts = [np.array([end], dtype=np.int32)]
        parts += [np.array([*story, end], dtype=np.int32) for story in stories]
        stream = np.concatenate(parts)
        begins = range(0, len(stream) - 1, self.max_tokens)
        return TokenTable.of(stream[begin : begin + self.max_tokens + 1] for begin in begins)

    def collate(self, split: SplitName, rows: Sequence[int]) -> Batch:
        """`input_ids`, `attention_mask`, `labels`: (B, T) int64; labels are the next ids."""
        ids_BT, mask_BT = self.tables[split].padded(rows, pad=pad_token_id(self.tokenizer))
        ids, mask = torch.from_numpy(ids_BT), torch.from_numpy(mask_BT)
        return {
            "input_ids": ids[:, :-1],
            "attention_mask": mask[:, 1:],
            "labels": ids[:, 1:].masked_fill(mask[:, 1:] == 0, IGNORED),
            "row": torch.tensor(rows),
        }


class TinyStoriesData(StoryData):
    """TinyStories (Eldan & Li 2023, arXiv 2305.07759); its validation split is the official one."""

    hub_repository = DATA_SETS["tinystories"]


class DemoStoriesData(StoryData):
    """The bundled stories; generated, never fetched."""

    hub_repository = "bundled:stories"

    def read(self) -> Splits:
        if self.path is not None:
            return super().read()
        rows = generate_stories()
        return from_rows(rows["train"], rows["validation"], "bundled:stories")
