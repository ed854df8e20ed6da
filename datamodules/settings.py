"""What a datamodule is told."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from datamodules.readers.quoting import Said


@dataclass(frozen=True, kw_only=True)
class DataSettings:
    """Where the rows of a corpus come from and how they become batches.

    path: folder with the splits, or None for the hub (at the commit `revision`) or the bundled rows. quoting: of its
    csv and tsv files.
    tokenizer: folder or hub id (at tokenizer_revision), or None to train one of `vocab_size` on the train split.
    max_tokens: longer sequences are cut. batch_size rows and, if given, batch_tokens padded tokens bound a
    training batch; evaluation_tokens bounds an evaluation batch. selection_examples rows of train are held
    out for model selection with selection_seed; train_examples, if given, keeps so many of the rest.
    seed: of the batch order. loader_workers: processes that build batches; they never change the batches.
    accumulate_batches: an epoch has a whole number of such groups of batches. packed: of stories for training,
    blocks of max_tokens that hold several; else one story is one sequence, or, where it is longer than max_tokens
    and `cut_long_stories`, several windows.
    """

    path: Path | None
    revision: str
    tokenizer: str | None
    tokenizer_revision: str
    vocab_size: int
    max_tokens: int
    batch_size: int
    batch_tokens: int | None
    evaluation_tokens: int
    group_by_length: bool
    selection_examples: int
    selection_seed: int
    train_examples: int | None
    seed: int
    loader_workers: int
    accumulate_batches: int
    cache_dir: Path
    local_files_only: bool
    quoting: Said = "auto"
    packed: bool = True
    cut_long_stories: bool = False
