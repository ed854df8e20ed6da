"""The transfer set of a student (Hinton et al. 2015, arXiv 1503.02531): texts without labels that a teacher answers."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import chain
from pathlib import Path

import numpy as np

from datamodules.file_texts import texts_of_file
from datamodules.holdout import drawn_rows, normalized
from datamodules.rows import SplitRows
from datamodules.sentences import sentences
from datamodules.settings import TransferSetConfig
from errors import UserError

_KEY = "train.transfer_set"


def transfer_rows(settings: TransferSetConfig, splits: Iterable[SplitRows], seed: int) -> SplitRows:
    """Each text once, and none that a split of the data has: one that is held out or scored is not learned from.

    Where sentences are asked for, none that stands in a text of a split either. seed: draws those that are kept.
    UserError where none is left, or fewer than are asked for.
    """
    known: set[str] = set()
    for rows in splits:
        known.update(map(normalized, rows.texts))
        if settings.sentences:
            known.update(map(normalized, chain.from_iterable(map(sentences, rows.texts))))
    found: dict[str, str] = {}
    for text in _texts(settings):
        key = normalized(text)
        if key not in known:
            found.setdefault(key, text)
    if not found:
        raise UserError(
            "no text is left that the data have not",
            where=f"{_KEY}.path={settings.path}",
            cure="Give others.",
        )
    every = np.arange(len(found))
    rows = drawn_rows(
        every, settings.examples, seed=seed, key=f"{_KEY}.examples", left="are left that the data have not"
    )
    return SplitRows(list(found.values()), None).take(rows)


def _texts(settings: TransferSetConfig) -> Iterable[str]:
    texts = texts_of_file(
        Path(settings.path), column=settings.column, quoting=settings.quoting, option=f"{_KEY}.quoting="
    )
    return chain.from_iterable(map(sentences, texts)) if settings.sentences else texts
