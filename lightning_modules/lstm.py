"""How an LSTM learns to classify texts, and where its weights come from."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import torch

from errors import UserError
from host.notices import notice
from lightning_modules.classifier import DeepClassifier
from lightning_modules.kernels.embedding import RowwiseEmbedding
from lightning_modules.learner import Batch
from lightning_modules.lstm_folder import LstmModel, read_lstm
from lightning_modules.lstm_network import LstmNetwork
from lightning_modules.optimisation import Optimisation
from lightning_modules.text_model import TextModel

_LAYER = re.compile(r"layers\.(\d+)\.")


class LstmClassifier(DeepClassifier[LstmNetwork]):
    """Trains `model` on labelled texts."""

    def __init__(
        self, model: LstmNetwork, *, optimisation: Optimisation, label_smoothing: float, frozen_layers: int
    ) -> None:
        super().__init__(
            model,
            optimisation=optimisation,
            outputs=len(model.size.labels),
            label_smoothing=label_smoothing,
            frozen_layers=frozen_layers,
        )

    @property
    def text_model(self) -> TextModel:
        return LstmModel(self.model)

    @property
    def words(self) -> RowwiseEmbedding:
        return self.model.words

    def logits(self, batch: Batch) -> torch.Tensor:
        return self.model.padded(batch["input_ids"], batch["attention_mask"])

    def depth_of(self, name: str) -> int:
        if "words" in name:
            return 0
        layer = _LAYER.search(name)
        return int(layer[1]) + 1 if layer else self.model.size.layers + 1


def pretrained_lstm(
    source: str, *, labels: tuple[str, ...], dropout: float, word_dropout: float
) -> LstmNetwork:
    """The LSTM in the folder `source`; its head is new, with a word, where that has other labels.

    UserError for anything else: the hub's LSTMs have no common form.
    """
    where = f"model.pretrained={source}"
    if not Path(source).is_dir():
        raise UserError("an LSTM begins with a folder alone", where=where, cure="Give a run's folder model.")
    read = read_lstm(Path(source), where=where).network
    theirs = read.size
    network = LstmNetwork(replace(theirs, labels=labels), dropout=dropout, word_dropout=word_dropout)
    weights = read.state_dict()
    if theirs.labels != labels:
        notice(f"{where}: its head is for {', '.join(theirs.labels)}; a new head is taken")
        weights |= {f"head.{name}": tensor for name, tensor in network.head.state_dict().items()}
    network.load_state_dict(weights)
    return network.train()
