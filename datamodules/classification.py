"""Labelled texts: SST-2, IMDB and the bundled reviews.

Legend: B batch, T tokens of the longest text of a batch.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import torch

from datamodules.bundled.reviews import generate_reviews
from datamodules.holdout import Holdout, hold_out_sentences
from datamodules.readers.raw import Wanted
from datamodules.rows import SplitRows
from datamodules.sources import Splits, from_rows
from datamodules.tokenized import Batch, SplitName, TokenizedData
from datamodules.tokenizers import pad_token_id
from scoring.task import UNLABELLED

if TYPE_CHECKING:
    from datasets import Dataset

SENTIMENTS = ("negative", "positive")


class TextClassificationData(TokenizedData):
    """Texts with one label each; labels are 0 .. len(wanted.label_names) - 1."""

    def columns(self, splits: Splits) -> tuple[SplitRows, SplitRows]:
        return self._rows(splits.train), self._rows(splits.official)

    def _rows(self, split: Dataset) -> SplitRows:
        columns: dict[str, list[Any]] = split[:]
        return SplitRows([text.strip() for text in columns[self.wanted.text]], columns["label"])

    def tokenize(self, split: SplitName) -> Iterator[list[int]]:
        return self.encoded(self.rows[split].texts, self.settings.limit, verbose=False)

    def cut_key(self, split: SplitName) -> tuple[str, ...]:
        del split  # all are cut alike
        return (self.settings.limit.key,)

    def collate(self, split: SplitName, rows: Sequence[int]) -> Batch:
        table = self.learned if split == "train" else self.tables[split]
        ids_BT, mask_BT = table.padded(rows, pad=pad_token_id(self.tokenizer))
        labels = self.rows[split].labels
        assert labels is not None
        return {
            "input_ids": torch.from_numpy(ids_BT),
            "attention_mask": torch.from_numpy(mask_BT),
            "labels": torch.tensor([labels[row] if row < len(labels) else UNLABELLED for row in rows]),
            "row": torch.tensor(rows),
        }


class Sst2Data(TextClassificationData):
    """SST-2 as in GLUE (Socher et al. 2013; Wang et al. 2018, arXiv 1804.07461).

    Train holds phrases of the same sentences, so the held-out slice is of full sentences, as the
    official validation split is, and every phrase that they contain leaves the train rows.
    """

    wanted = Wanted("sentence", "label", SENTIMENTS)

    def hold_out(self, texts: Sequence[str]) -> Holdout:
        return hold_out_sentences(
            texts, examples=self.settings.selection_examples, seed=self.settings.selection_seed
        )


class ImdbData(TextClassificationData):
    """IMDB reviews (Maas et al. 2011); its test split is the official one."""

    wanted = Wanted("text", "label", SENTIMENTS)


class DemoReviewsData(TextClassificationData):
    """The bundled reviews, whose label follows from composition; generated, never fetched."""

    wanted = Wanted("sentence", "label", SENTIMENTS)

    def read(self) -> Splits:
        if self.settings.path is not None:
            return super().read()
        return from_rows(generate_reviews(), self.wanted, self.corpus.splits, "bundled:reviews")
