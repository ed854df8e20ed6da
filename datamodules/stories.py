"""Stories as sequences of tokens for a language model: TinyStories and the bundled stories.

Legend: B batch, T tokens of a sequence.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from datamodules.bundled.stories import generate_stories
from datamodules.holdout import Holdout, hold_out, text_digests
from datamodules.readers.raw import Wanted
from datamodules.rows import SplitRows, StoredTexts
from datamodules.settings import DataContext, StoriesConfig
from datamodules.sources import Splits, from_rows
from datamodules.tokenized import Batch, OnRemade, SplitName, TokenizedData
from datamodules.tokenizers import END_OF_TEXT, end_token_id, pad_token_id
from errors import UserError
from host.progress import OnProgress, silent

IGNORED = -100  # target of a padded position: left out of the loss


class StoryData(TokenizedData):
    """Stories, each opened by the end of the one before and closed by its own: the end-of-text token.

    A sequence holds at most max_tokens + 1 ids, of which all but the first are targets. For training, `packed`
    joins the stories and cuts them into such blocks, each overlapping the one before by one id, so that every
    token, ends of stories included, is a target exactly once; the last block is shorter. Unpacked, a sequence
    is one whole story. For scoring, every story stands for itself whatever the training does: what is longer
    than the context is cut into windows in the same way (see docs/language-models.md).
    """

    wanted = Wanted("text")
    separator = END_OF_TEXT

    def __init__(
        self,
        settings: StoriesConfig,
        context: DataContext,
        *,
        on_progress: OnProgress = silent,
        on_remade: OnRemade | None = None,
    ) -> None:
        super().__init__(settings, context, on_progress=on_progress, on_remade=on_remade)
        self._packed = settings.packed
        self._cut_long_stories = settings.longer_stories == "cut"
        self._bytes: dict[SplitName, NDArray[np.int64]] = {}

    def columns(self, splits: Splits) -> tuple[SplitRows, SplitRows]:
        train, official = (
            SplitRows(StoredTexts(split, self.wanted.text), None) for split in (splits.train, splits.official)
        )
        return train, official

    def hold_out(self, texts: Sequence[str]) -> Holdout:
        keys = text_digests(texts, len(texts))
        return hold_out(keys, examples=self.settings.selection_examples, seed=self.settings.selection_seed)

    def tokenize(self, split: SplitName) -> Iterator[NDArray[np.int32]]:
        stories = self._stories(split, end_token_id(self.tokenizer))
        if split == "train" and self._packed:
            return blocks(stories, self.settings.max_tokens)
        if split == "train" and not self._cut_long_stories:
            stories = self._none_longer(stories)
        return (window for story in stories for window in windows(story, self.settings.max_tokens))

    def _stories(self, split: SplitName, end: int) -> Iterator[NDArray[np.int32]]:
        """Ids of each story, `end` before and after."""
        encoded = self.encoded(self.rows[split].texts, add_special_tokens=False)
        return (np.array([end, *story, end], dtype=np.int32) for story in encoded)

    def check_special(self, texts: Sequence[str]) -> None:
        """UserError for a story that holds the mark between stories: it is more than one."""
        mark = str(self.tokenizer.eos_token)
        text = next((text for text in texts if mark in text), None)
        if text is not None:
            raise UserError(
                f"{mark} stands in the story that begins with {text[:60]!r}",
                where=self.origin,
                cure="Give each story a row of its own, or a .txt file with the marks between the stories.",
            )

    def _none_longer(self, stories: Iterator[NDArray[np.int32]]) -> Iterator[NDArray[np.int32]]:
        for row, story in enumerate(stories):
            if len(story) - 1 > self.settings.max_tokens:
                beginning = self.rows["train"].texts[row][:60]
                raise UserError(
                    f"the story that begins with {beginning!r} has {len(story) - 1} tokens with its end, "
                    f"and the context holds {self.settings.max_tokens}",
                    where=f"{self.origin}, split train without the held-out rows, row {row}",
                    cure="Raise data.max_tokens, or use data.longer_stories=cut or data.packed=true.",
                )
            yield story

    def cut_key(self, split: SplitName) -> tuple[str, ...]:
        if split == "train" and self._packed:
            kind = "blocks"
        elif split == "train" and not self._cut_long_stories:
            kind = "whole stories"  # a table that is in the cache was not refused
        else:
            kind = "stories"
        # The tokenizer's digest does not say which of its tokens is the end.
        return str(self.settings.max_tokens), kind, str(end_token_id(self.tokenizer))

    def example_of(self, split: SplitName) -> NDArray[np.int64]:
        """(N,) the story of each window; of packed blocks, which hold several, there is no such thing."""
        assert split != "train"
        table = self.tables[split]
        # A story's first window begins with the end-of-text token, which no text holds; a later one with a word.
        first = np.asarray(table.ids_S[table.starts[:-1]] == self.tokenizer.eos_token_id)
        return np.cumsum(first) - 1

    def story_bytes(self, split: SplitName) -> NDArray[np.int64]:
        """(N,) UTF-8 bytes of the story, at its first window, and 0 at its later ones."""
        if split not in self._bytes:
            texts = self.rows[split].texts
            sizes = np.fromiter((len(text.encode()) for text in texts), dtype=np.int64, count=len(texts))
            story = self.example_of(split)
            first = np.diff(story, prepend=-1) > 0
            self._bytes[split] = np.where(first, sizes[story], 0)
        return self._bytes[split]

    def collate(self, split: SplitName, rows: Sequence[int]) -> Batch:
        """`input_ids`, `attention_mask`, `labels`: (B, T) int64; labels are the next ids. For scoring also
        `bytes` (B,) int64, see `story_bytes`.

        Padding is told by its position: its id is that of the end-of-text token, which must be learned.
        """
        ids_BT, mask_BT = self.tables[split].padded(rows, pad=pad_token_id(self.tokenizer))
        ids, mask = torch.from_numpy(ids_BT), torch.from_numpy(mask_BT)
        batch = {
            "input_ids": ids[:, :-1],
            "attention_mask": mask[:, 1:],
            "labels": ids[:, 1:].masked_fill(mask[:, 1:] == 0, IGNORED),
            "row": torch.tensor(rows),
        }
        if split != "train":
            batch["bytes"] = torch.from_numpy(self.story_bytes(split)[list(rows)])
        return batch


def windows(story: NDArray[np.int32], targets: int) -> Iterator[NDArray[np.int32]]:
    """Consecutive pieces of at most `targets` + 1 ids, each beginning with the last id of the one before."""
    for begin in range(0, len(story) - 1, targets):
        yield story[begin : begin + targets + 1]


def blocks(stories: Iterator[NDArray[np.int32]], targets: int) -> Iterator[NDArray[np.int32]]:
    """The stories (each with the end-of-text token before and after it) as one stream, cut as `windows` does.

    What is left of a story at the end of a block opens the next one; nothing is lost and nothing invented.
    """
    held: list[NDArray[np.int32]] = []
    size = 0
    for story in stories:
        held.append(story if not held else story[1:])  # the end of one story is the opening of the next
        size += len(held[-1])
        if size > targets:
            stream = np.concatenate(held)
            whole = (len(stream) - 1) // targets * targets
            yield from windows(stream[: whole + 1], targets)
            held, size = [stream[whole:]], len(stream) - whole
    if size > 1:
        yield np.concatenate(held)


class TinyStoriesData(StoryData):
    """TinyStories (Eldan & Li 2023, arXiv 2305.07759); its validation split is the official one."""


class DemoStoriesData(StoryData):
    """The bundled stories; generated, never fetched."""

    def read(self) -> Splits:
        if self.settings.path is not None:
            return super().read()
        return from_rows(generate_stories(), self.wanted, self.corpus.splits, "bundled:stories")
