"""An LSTM as a `TextModel`: the folder that it is kept in, and that folder read again.

Legend: B batch, T tokens, L labels.
"""

from __future__ import annotations

from pathlib import Path

import torch

from host.model_folder import CONFIG
from lightning_modules.lstm_network import LstmNetwork, LstmSize
from lightning_modules.plain_folder import PlainFolder, write_plain

_KIND = "lstm"
_SIZES = {
    "vocab_size": "vocabulary",
    "embedding_dim": "embedding_dim",
    "dim": "dim",
    "layers": "layers",
    "pad_token_id": "padding",
    "unk_token_id": "unknown",
}
_MOST = 2**24 - 1


class LstmModel:
    """`network` as the house asks for it."""

    positions = None

    def __init__(self, network: LstmNetwork) -> None:
        self.network = network

    @property
    def vocabulary(self) -> int:
        return self.network.size.vocabulary

    @property
    def outputs(self) -> int:
        return len(self.network.size.labels)

    def logits(self, ids_BT: torch.Tensor) -> torch.Tensor:
        return self.network(ids_BT)

    def save(self, folder: Path) -> None:
        size = self.network.size
        sizes = {key: getattr(size, name) for key, name in _SIZES.items()}
        write_plain(folder, self.network, kind=_KIND, sizes=sizes, labels=size.labels)

    def example_inputs(self) -> None:
        return None


def read_lstm(folder: Path, *, where: str | None = None) -> LstmModel:
    """The float32 model in `folder`, in evaluation mode.

    where: how an error names the folder. Raises UserError for a config that describes no LSTM, and for weights that are
    missing, damaged, of other sizes than it says, or no numbers.
    """
    found = PlainFolder(folder, kind=_KIND, where=where)
    sizes = {
        name: found.number(key, least=0 if key.endswith("_id") else 1, most=_MOST)
        for key, name in _SIZES.items()
    }
    if max(sizes["padding"], sizes["unknown"]) >= sizes["vocabulary"]:
        found.refuse(f"{CONFIG} has a token beyond its vocab_size")
    size = LstmSize(**sizes, labels=found.labels)
    return LstmModel(found.filled(lambda: LstmNetwork(size)))
