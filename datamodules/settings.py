"""What a datamodule is told beside the settings of its corpus."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from host.tokenizer_files import TrainedKind


@dataclass(frozen=True, kw_only=True)
class TokenizerSource:
    """Where a tokenizer comes from.

    source: folder or hub id (at `revision`); none: one of `kind` and `vocab_size` is trained on the train split.
    """

    kind: TrainedKind
    source: str | None = None
    revision: str = "main"
    vocab_size: int = 4096


@dataclass(frozen=True, kw_only=True)
class DataContext:
    """The experiment around a datamodule.

    seed: of the batch order. accumulate_batches: an epoch has a whole number of such groups of batches.
    """

    tokenizer: TokenizerSource
    cache_dir: Path
    local_files_only: bool
    seed: int = 0
    accumulate_batches: int = 1
