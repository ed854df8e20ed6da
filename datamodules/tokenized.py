"""What every datamodule here shares: read, hold out, tokenize once, batch.

Imported only by code that is about to load data (it imports torch and pytorch_lightning).
Legend: N rows of a split, B batch, T tokens of the longest sequence of a batch.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np
import pytorch_lightning as pl
import torch
from numpy.typing import NDArray
from torch.utils.data import DataLoader, Dataset

from datamodules.batches import EpochBatches, RunBatches, evaluation_batches
from datamodules.fingerprint import short_digest
from datamodules.holdout import Holdout, hold_out
from datamodules.rows import SplitRows
from datamodules.sources import Splits, from_folder, from_hub
from datamodules.tokenizers import TrainedKind, load_tokenizer, tokenizer_digest, train_tokenizer
from datamodules.tokens import TokenTable
from errors import UserError

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

# What is being done, how much of it is done, how much there is (0 where nobody can say).
OnProgress = Callable[[str, int, int], None]
SplitName = Literal["train", "val", "test"]
# `val` is the slice of the train split that selects models; `test` the official evaluation split.
SPLITS: tuple[SplitName, ...] = ("train", "val", "test")
Batch = dict[str, torch.Tensor]
_TOKENIZED_AT_ONCE = 4096


class TokenizedData(pl.LightningDataModule, ABC):
    """A corpus as batches of token ids.

    path: folder with the splits, or None for the hub (at the commit `revision`) or the bundled rows.
    tokenizer: folder or hub id (at tokenizer_revision), or None to train one of `vocab_size` on the train split.
    max_tokens: longer sequences are cut. batch_size rows and, if given, batch_tokens padded tokens bound a
    training batch; evaluation_tokens bounds an evaluation batch. selection_examples rows of train are held
    out for model selection with selection_seed; train_examples, if given, keeps so many of the rest.
    seed: of the batch order. loader_workers: processes that build batches; they never change the batches.
    accumulate_batches: an epoch has a whole number of such groups of batches. on_progress: told of the set-up.
    """

    tokenizer_kind: ClassVar[TrainedKind]

    def __init__(
        self,
        *,
        path: Path | None,
        revision: str,
        tokenizer: str | None,
        tokenizer_revision: str,
        vocab_size: int,
        max_tokens: int,
        batch_size: int,
        batch_tokens: int | None,
        evaluation_tokens: int,
        group_by_length: bool,
        selection_examples: int,
        selection_seed: int,
        train_examples: int | None,
        seed: int,
        loader_workers: int,
        accumulate_batches: int,
        cache_dir: Path,
        local_files_only: bool,
        on_progress: OnProgress | None = None,
    ) -> None:
        super().__init__()
        self.path = path
        self.revision = revision
        self.tokenizer_source = tokenizer
        self.tokenizer_revision = tokenizer_revision
        self.vocab_size = vocab_size
        self.max_tokens = max_tokens
        self.batch_size = batch_size
        self.batch_tokens = batch_tokens
        self.evaluation_tokens = evaluation_tokens
        self.group_by_length = group_by_length
        self.selection_examples = selection_examples
        self.selection_seed = selection_seed
        self.train_examples = train_examples
        self.seed = seed
        self.loader_workers = loader_workers
        self.accumulate_batches = accumulate_batches
        self.cache_dir = cache_dir
        self.local_files_only = local_files_only
        self._on_progress = on_progress
        self.origin = ""
        self.rows: dict[SplitName, SplitRows] = {}
        self.tables: dict[SplitName, TokenTable] = {}
        self.dropped_rows = 0
        self.run_batches: int | None = None  # none: one epoch
        self.first_batch = 0

    tokenizer: PreTrainedTokenizerFast
    tokenizer_digest: str

    hub_repository: ClassVar[str]
    split_names: ClassVar[tuple[str, str]]
    column_names: ClassVar[tuple[str, ...]]

    def read(self) -> Splits:
        """The source's train and official split, columns checked."""
        if self.path is not None:
            return from_folder(
                self.path, splits=self.split_names, columns=self.column_names, cache_dir=self.cache_dir
            )
        return from_hub(
            self.hub_repository,
            commit=self.revision,
            splits=self.split_names,
            columns=self.column_names,
            cache_dir=self.cache_dir,
        )

    @abstractmethod
    def columns(self, splits: Splits) -> tuple[SplitRows, SplitRows]:
        """Both splits as texts and labels, values checked."""

    def hold_out(self, texts: Sequence[str]) -> Holdout:
        """Which rows of the train split select models."""
        return hold_out(texts, examples=self.selection_examples, seed=self.selection_seed)

    def encoded(self, texts: Sequence[str], **options: Any) -> Iterator[list[int]]:
        """Token ids of each text, in order, with the tokenizer's `options`."""
        for begin in range(0, len(texts), _TOKENIZED_AT_ONCE):
            some = list(texts[begin : begin + _TOKENIZED_AT_ONCE])
            found: Any = self.tokenizer(some, **options)
            yield from found["input_ids"]
            self._report("tokenizing", begin + len(some), len(texts))

    @abstractmethod
    def tokenize(self, texts: Sequence[str]) -> TokenTable:
        """Sequences for the model, special tokens in, cut to `max_tokens`."""

    @abstractmethod
    def collate(self, split: SplitName, rows: Sequence[int]) -> Batch:
        """One batch: `input_ids` and `attention_mask` (B, T) int64, `row` (B,) int64 and the labels."""

    def setup(self, stage: str | None = None) -> None:
        """Read, hold out and tokenize, once; Lightning calls this before every stage."""
        del stage  # one set-up serves them all
        if self.tables:
            return
        self._report("reading the data")
        splits = self.read()
        self.origin = splits.origin
        train, official = self.columns(splits)
        holdout = self._cached_holdout(train)
        self.dropped_rows = len(holdout.dropped)
        self.rows = {
            "train": train.take(self._kept(holdout.train)),
            "val": train.take(holdout.selection),
            "test": official,
        }
        if not self.rows["train"].texts:
            raise UserError(
                f"no row is left to train on, {len(holdout.selection)} are held out",
                where="data.selection_examples",
                cure="Hold out fewer, or give more data.",
            )
        self.tokenizer = self._tokenizer()
        self.tokenizer_digest = tokenizer_digest(self.tokenizer)  # before its first use sets its truncation
        self.tables = {split: self._cached_tokens(split) for split in SPLITS}
        self._on_progress = None  # loader workers get a copy of all this; a terminal is none of theirs

    def __getstate__(self) -> dict[str, Any]:
        """For a loader worker that gets a pickled copy: without the trainer, which cannot be pickled."""
        return {**self.__dict__, "trainer": None}

    def _report(self, what: str, done: int = 0, total: int = 0) -> None:
        if self._on_progress is not None:
            self._on_progress(what, done, total)

    def _kept(self, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        if self.train_examples is None:
            return rows
        if self.train_examples > len(rows):
            raise UserError(
                f"{self.train_examples} rows are asked for, {len(rows)} are left to train on",
                where="data.train_examples",
                cure=f"Ask for at most {len(rows)}, or leave it out for all.",
            )
        generator = np.random.Generator(np.random.PCG64(self.selection_seed))
        return np.sort(generator.permutation(rows)[: self.train_examples])

    def _cached_holdout(self, train: SplitRows) -> Holdout:
        key = short_digest(
            "holdout-1",
            type(self).__name__,
            train.fingerprint,
            str(self.selection_examples),
            str(self.selection_seed),
        )
        path = self.cache_dir / "holdout" / f"{key}.npz"
        if not path.exists():
            self._report("holding out rows of train")
            holdout = self.hold_out(train.texts)
            TokenTable.of([holdout.train, holdout.selection, holdout.dropped]).save(path)
        parts = TokenTable.load(path)
        return Holdout(*(parts.sequence(i).astype(np.int64) for i in range(3)))

    def _tokenizer(self) -> PreTrainedTokenizerFast:
        if self.tokenizer_source is not None:
            return load_tokenizer(
                self.tokenizer_source,
                local_files_only=self.local_files_only,
                revision=self.tokenizer_revision,
            )
        return train_tokenizer(self.tokenizer_kind, self.rows["train"].texts, vocab_size=self.vocab_size)

    def _cached_tokens(self, split: SplitName) -> TokenTable:
        key = short_digest(
            "tokens-1",
            type(self).__name__,
            self.rows[split].fingerprint,
            self.tokenizer_digest,
            str(self.max_tokens),
        )
        path = self.cache_dir / "tokens" / f"{key}.npz"
        if not path.exists():
            self.tokenize(self.rows[split].texts).save(path)
        return TokenTable.load(path)

    def fingerprints(self) -> Mapping[SplitName, str]:
        """sha256 of the rows of each split, as used (after holding out and dropping)."""
        return {split: self.rows[split].fingerprint for split in SPLITS}

    def train_order(self) -> EpochBatches:
        """The batches of every epoch."""
        return EpochBatches(
            self.tables["train"].lengths,
            batch_size=self.batch_size,
            batch_tokens=self.batch_tokens,
            group_by_length=self.group_by_length,
            multiple_of=self.accumulate_batches,
            seed=self.seed,
        )

    def train_dataloader(self) -> DataLoader[Batch]:
        """`run_batches` batches in the seeded order of epoch after epoch, from number `first_batch` on."""
        order = self.train_order()
        return self._loader(
            "train", RunBatches(order, total=self.run_batches or len(order), first=self.first_batch)
        )

    def val_dataloader(self) -> DataLoader[Batch]:
        """The held-out slice of train."""
        return self._evaluation_loader("val")

    def test_dataloader(self) -> DataLoader[Batch]:
        """The official evaluation split."""
        return self._evaluation_loader("test")

    def _evaluation_loader(self, split: SplitName) -> DataLoader[Batch]:
        lengths = self.tables[split].lengths
        return self._loader(split, evaluation_batches(lengths, batch_tokens=self.evaluation_tokens))

    def _loader(self, split: SplitName, batches: RunBatches | Sequence[list[int]]) -> DataLoader[Batch]:
        # batch_size=None: the sampler hands over whole batches, the data set collates them.
        return DataLoader(
            _BatchesOf(self, split),
            sampler=batches,  # type: ignore[arg-type]
            batch_size=None,
            num_workers=self.loader_workers,
            persistent_workers=self.loader_workers > 0 and split == "val",
            generator=torch.Generator().manual_seed(self.seed),
        )


class _BatchesOf(Dataset[Batch]):
    """Maps a list of row numbers to the batch of these rows."""

    def __init__(self, data: TokenizedData, split: SplitName) -> None:
        self.data = data
        self.split: SplitName = split

    def __getitem__(self, rows: Sequence[int]) -> Batch:  # type: ignore[override]
        return self.data.collate(self.split, rows)
