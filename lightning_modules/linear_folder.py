"""A linear classifier as a `TextModel`: the folder that it is kept in, and that folder read again.

Legend: B batch, T tokens, L labels.
"""

from __future__ import annotations

from pathlib import Path
from typing import cast, get_args

import torch

from host.model_folder import CONFIG
from lightning_modules.linear_network import LinearNetwork, LinearSize
from lightning_modules.plain_folder import PlainFolder, write_plain
from lightning_modules.settings import LONGEST_NGRAM, Features

_KIND = "linear"
_MOST_WORDS = 2**20  # the number of an n-gram of three fits 64 bits


class LinearModel:
    """`network` as the house asks for it."""

    positions = None
    outputs = 2

    def __init__(self, network: LinearNetwork) -> None:
        self.network = network

    @property
    def vocabulary(self) -> int:
        return self.network.size.vocabulary

    def logits(self, ids_BT: torch.Tensor) -> torch.Tensor:
        return self.network(ids_BT)

    def save(self, folder: Path) -> None:
        size = self.network.size
        sizes = {
            "vocab_size": size.vocabulary,
            "longest_ngram": size.longest,
            "ngrams": size.ngrams,
            "features": size.features,
        }
        write_plain(folder, self.network, kind=_KIND, sizes=sizes, labels=size.labels)

    def example_inputs(self) -> None:
        return None


def read_linear(folder: Path) -> LinearModel:
    """The float32 model in `folder`, in evaluation mode.

    Raises UserError for a config that describes no linear classifier, for n-grams that are not in rising order, and for
    weights that are missing, damaged, of other sizes than it says, or no numbers.
    """
    found = PlainFolder(folder, kind=_KIND, where=None)
    if len(found.labels) != LinearModel.outputs:
        found.refuse(f"{CONFIG} names {len(found.labels)} labels; a linear model tells 2 apart")
    size = LinearSize(
        vocabulary=found.number("vocab_size", least=1, most=_MOST_WORDS),
        longest=found.number("longest_ngram", least=1, most=LONGEST_NGRAM),
        ngrams=found.number("ngrams", least=1),
        features=cast("Features", found.choice("features", get_args(Features))),
        labels=found.labels,
    )
    network = found.filled(lambda: LinearNetwork(size))
    if not bool((network.keys.diff() > 0).all()):
        found.refuse("its n-grams do not stand in rising order, by which they are found")
    return LinearModel(network)
