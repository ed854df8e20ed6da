"""What every datamodule here shares: read, hold out, tokenize once, batch.

Imported only by code that is about to load data (it imports torch and pytorch_lightning).
Legend: N rows of a split, B batch, T tokens of the longest sequence of a batch.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cached_property, partial
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np
import pytorch_lightning as pl
from numpy.typing import NDArray
from torch.utils.data import DataLoader

from datamodules.batches import EpochBatches, RunBatches, evaluation_batches
from datamodules.checked_cache import CheckedFolder, checked_folder
from datamodules.cut import TextLimit, ids_of
from datamodules.fingerprint import short_digest
from datamodules.holdout import Holdout, check_some_left, drawn_rows, hold_out, normalized
from datamodules.loaders import Batch, loader, taught
from datamodules.readers.raw import Wanted
from datamodules.reads import SplitRead
from datamodules.rows import SplitRows
from datamodules.settings import DataContext, StoriesConfig, TextClassificationConfig
from datamodules.sources import OnRemade, Splits, from_folder, from_hub
from datamodules.tokenizers import (
    encode,
    holding_special,
    load_tokenizer,
    tell_special,
    tokenizer_digest,
    train_tokenizer,
)
from datamodules.tokens import TokenTable
from datamodules.transfer_set import transfer_rows
from host.progress import OnProgress, silent

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

SplitName = Literal["train", "val", "test", "transfer"]
# `val` is the slice of the train split that selects models; `test` the official evaluation split; `transfer` are texts
# without labels, which a student learns from beside `train`.
_TOKENIZED_AT_ONCE = 4096


class TokenizedData(pl.LightningDataModule, ABC):
    """A corpus as batches of token ids.

    on_progress: told of the set-up. on_remade: told, in a sentence, of derived data that did not hold.
    """

    def __init__(
        self,
        settings: TextClassificationConfig | StoriesConfig,
        context: DataContext,
        *,
        on_progress: OnProgress = silent,
        on_remade: OnRemade | None = None,
    ) -> None:
        super().__init__()
        self.settings = settings
        self.context = context
        self.corpus = context.corpus
        self._on_progress, self._on_remade = on_progress, on_remade
        self.origin = ""
        self.reads: dict[str, SplitRead] = {}  # by the split's name in the source
        self.rows: dict[SplitName, SplitRows] = {}
        self.tables: dict[SplitName, TokenTable] = {}
        self.token_digests: dict[SplitName, str] = {}  # sha256 of each table
        self.dropped_rows = 0  # of train, too near to a held-out row
        self.teacher_logits_NL: NDArray[np.float32] | None = None  # of what is learned from
        self.run_batches: int | None = None  # none: one epoch
        self.first_batch = 0

    tokenizer: PreTrainedTokenizerFast
    tokenizer_digest: str

    wanted: ClassVar[Wanted]  # the columns of the source that are read
    separator: ClassVar[str | None] = None  # between the rows of a plain text file; none: no such files

    def read(self) -> Splits:
        """The source's train and official split, values checked."""
        if self.settings.path is not None:
            return from_folder(
                Path(self.settings.path),
                splits=self.corpus.splits,
                wanted=self.wanted,
                separator=self.separator,
                quoting=self.settings.quoting,
                cache_dir=self.context.cache_dir,
                on_remade=self._remade,
            )
        assert self.corpus.repository is not None, "a bundled corpus reads its own rows"
        return from_hub(
            self.corpus.repository,
            commit=self.settings.revision,
            splits=self.corpus.splits,
            wanted=self.wanted,
            cache_dir=self.context.cache_dir,
            on_remade=self._remade,
        )

    @abstractmethod
    def columns(self, splits: Splits) -> tuple[SplitRows, SplitRows]:
        """Both splits as texts and labels."""

    def hold_out(self, texts: Sequence[str]) -> Holdout:
        """Which rows of the train split select models."""
        keys = np.array([normalized(text) for text in texts], dtype=object)
        return hold_out(keys, examples=self.settings.selection_examples, seed=self.settings.selection_seed)

    def encoded(
        self, texts: Sequence[str], limit: TextLimit | None = None, **options: Any
    ) -> Iterator[list[int]]:
        """Token ids of each text, in order, with the tokenizer's `options`. limit: none: whole ones.

        A text that holds the name of a special token, such as `[SEP]`, is split there like any other; how many do
        is said.
        """
        holding = 0
        for begin in range(0, len(texts), _TOKENIZED_AT_ONCE):
            some = list(texts[begin : begin + _TOKENIZED_AT_ONCE])
            special = holding_special(self.tokenizer, some)
            self.check_special(special)
            holding += len(special)
            yield from ids_of(encode(self.tokenizer, some, **options), limit)
            self._report("tokenizing", begin + len(some), len(texts))
        if holding:
            tell_special(self.tokenizer, f"{self.origin}: {holding:,} of {len(texts):,} texts")

    def check_special(self, texts: Sequence[str]) -> None:
        """UserError where one of these texts, which hold the name of a special token, cannot be meant so."""
        del texts

    @abstractmethod
    def tokenize(self, split: SplitName) -> Iterable[Sequence[int] | NDArray[np.integer[Any]]]:
        """Sequences for the model of one split, special tokens in, of what `max_tokens` allows."""

    @abstractmethod
    def cut_key(self, split: SplitName) -> tuple[str, ...]:
        """What decides the sequences of a split besides its rows and the tokenizer."""

    def example_of(self, split: SplitName) -> NDArray[np.int64]:
        """(N,) which row of the split each sequence of its table belongs to."""
        return np.arange(len(self.tables[split]))

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
        self.reads = {read.split: read for read in splits.reads}
        train, official = self.columns(splits)
        holdout = self._cached_holdout(train)
        check_some_left(holdout)
        self.dropped_rows = len(holdout.dropped)
        self.rows = {
            "train": train.take(self._kept(holdout.train)),
            "val": train.take(holdout.selection),
            "test": official,
        }
        if (asked := self.context.transfer_set) is not None:
            self.rows["transfer"] = transfer_rows(asked, (train, official), self.settings.selection_seed)
        self.tokenizer = self._tokenizer()
        self.tokenizer_digest = tokenizer_digest(self.tokenizer)  # before its first use sets its truncation
        for split in self.rows:
            held = self._cached_tokens(split)
            self.tables[split], self.token_digests[split] = TokenTable.load(held.path), held.digest
        # Loader workers get a copy of all this; a terminal is none of theirs.
        self._on_progress, self._on_remade = silent, None

    def __getstate__(self) -> dict[str, Any]:
        """For a loader worker that gets a pickled copy: without a terminal and the trainer, which cannot be pickled."""
        return {**self.__dict__, "trainer": None, "_on_remade": None}

    def _report(self, what: str, done: int = 0, total: int = 0) -> None:
        self._on_progress(what, done, total)

    def _kept(self, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        wanted, seed = self.settings.train_examples, self.settings.selection_seed
        return drawn_rows(rows, wanted, seed=seed, key="data.train_examples", left="are left to train on")

    def _cached_holdout(self, train: SplitRows) -> Holdout:
        key = short_digest(
            "holdout-2",
            type(self).__name__,
            train.fingerprint,
            str(self.settings.selection_examples),
            str(self.settings.selection_seed),
        )

        def write(folder: Path) -> None:
            self._report("holding out rows of train")
            holdout = self.hold_out(train.texts)
            TokenTable.write(folder, [holdout.train, holdout.selection, holdout.dropped])

        parts = TokenTable.load(self.cached("holdout", key, write).path)
        return Holdout(*(parts.sequence(i).astype(np.int64) for i in range(3)))

    def _tokenizer(self) -> PreTrainedTokenizerFast:
        wanted = self.context.tokenizer
        if wanted.source is not None:
            return load_tokenizer(
                wanted.source, local_files_only=self.context.local_files_only, revision=wanted.revision
            )
        texts = chain.from_iterable(self.rows[split].texts for split in self.learned_splits)
        return train_tokenizer(wanted.kind, texts, vocab_size=wanted.vocab_size, known=wanted.words)

    def _cached_tokens(self, split: SplitName) -> CheckedFolder:
        key = short_digest(
            "tokens-3",
            type(self).__name__,
            self.rows[split].fingerprint,
            self.tokenizer_digest,
            *self.cut_key(split),
        )
        return self.cached("tokens", key, lambda folder: TokenTable.write(folder, self.tokenize(split)))

    def cached(self, kind: str, key: str, write: Callable[[Path], None]) -> CheckedFolder:
        """The folder `key` of the cache's room `kind`, whole; see `checked_folder`."""
        return checked_folder(self.context.cache_dir / kind / key, write, on_remade=self._remade)

    def _remade(self, sentence: str) -> None:
        if self._on_remade is not None:
            self._on_remade(sentence)

    def fingerprints(self) -> Mapping[SplitName, str]:
        """sha256 of the rows of each split, as used (after holding out and dropping)."""
        return {split: rows.fingerprint for split, rows in self.rows.items()}

    @property
    def learned_splits(self) -> list[SplitName]:
        """What is learned from: the train rows, then those of a transfer set."""
        return [split for split in ("train", "transfer") if split in self.rows]

    @cached_property
    def learned(self) -> TokenTable:
        """The sequences of these splits, one after the other: batches of training have their numbers."""
        return TokenTable.joined([self.tables[split] for split in self.learned_splits])

    def train_order(self) -> EpochBatches:
        """The batches of every epoch."""
        return EpochBatches(
            self.learned.lengths,
            batch_size=self.settings.batch_size,
            batch_tokens=self.settings.batch_tokens,
            group_by_length=self.settings.group_by_length,
            multiple_of=self.context.accumulate_batches,
            seed=self.context.seed,
        )

    def train_dataloader(self) -> DataLoader[Batch]:
        """`run_batches` batches in the seeded order of epoch after epoch, from number `first_batch` on."""
        order = self.train_order()
        batches = RunBatches(order, total=self.run_batches or len(order), first=self.first_batch)
        return self._loader("train", batches, self.teacher_logits_NL)

    def val_dataloader(self) -> DataLoader[Batch]:
        """The held-out slice of train."""
        return self._evaluation_loader("val")

    def test_dataloader(self) -> DataLoader[Batch]:
        """The official evaluation split."""
        return self._evaluation_loader("test")

    def _evaluation_loader(self, split: SplitName) -> DataLoader[Batch]:
        lengths = self.tables[split].lengths
        return self._loader(split, evaluation_batches(lengths, batch_tokens=self.settings.evaluation_tokens))

    def _loader(
        self,
        split: SplitName,
        batches: RunBatches | Sequence[list[int]],
        teacher_logits_NL: NDArray[np.float32] | None = None,
    ) -> DataLoader[Batch]:
        return loader(
            taught(partial(self.collate, split), teacher_logits_NL),
            batches,
            workers=self.settings.loader_workers,
            again=split == "val",
            seed=self.context.seed,
        )
