"""Datamodules as tests make them: small batches, a tokenizer of their own, no hub."""

from __future__ import annotations

from pathlib import Path
from typing import Any, TypeVar

from datamodules.corpora import CORPORA
from datamodules.settings import DataContext, StoriesConfig, TextClassificationConfig, TokenizerSource
from datamodules.stories import StoryData
from datamodules.tokenized import TokenizedData

Data = TypeVar("Data", bound=TokenizedData)
_OF_TOKENIZER = {"tokenizer": "source", "tokenizer_revision": "revision", "vocab_size": "vocab_size"}
_OF_CONTEXT = {"cache_dir", "local_files_only", "seed", "accumulate_batches", "transfer_set"}
_SMALL = {"max_tokens": 16, "batch_size": 2, "evaluation_tokens": 64, "selection_examples": 1}


def made(kind: type[Data], folder: Path | None, cache_dir: Path, **changes: Any) -> Data:
    """A datamodule of class `kind` over the files of `folder` (none: its own rows), not set up yet.

    changes: keys of its corpus, of the experiment around it, or of its tokenizer.
    """
    stories = issubclass(kind, StoryData)
    corpus = next(row.corpus for row in CORPORA.values() if row.data_class() is kind)
    tokenizer = {_OF_TOKENIZER[key]: changes.pop(key) for key in [*changes] if key in _OF_TOKENIZER}
    context = {key: changes.pop(key) for key in [*changes] if key in _OF_CONTEXT}
    path = None if folder is None else str(folder)
    config = (StoriesConfig if stories else TextClassificationConfig)(
        **{"kind": corpus.kind, "path": path, **_SMALL, **changes}
    )
    source = TokenizerSource(kind="gpt2_bpe" if stories else "bert_bpe", **{"vocab_size": 300, **tokenizer})
    return kind(
        config,  # type: ignore[arg-type]
        DataContext(
            corpus=corpus, tokenizer=source, **{"cache_dir": cache_dir, "local_files_only": True, **context}
        ),
    )
