"""The families of models: a row for each, by the name that `model.kind` gives it.

A new family is a row here, its settings in `settings.py`, a file with its Learner and a case in `experiments/build.py`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from lightning_modules.text_model import TextModel
from lightning_modules.transformers_model import TransformersModel, read_network
from scoring.task import Task
from scoring.tasks import CLASSIFICATION, LANGUAGE_MODELLING


@dataclass(frozen=True)
class Family:
    """One family. read: a folder that its model has saved, in float32 and evaluation mode; UserError for any other."""

    kind: str
    task: Task
    read: Callable[[Path], TextModel]


def _read_distilbert(folder: Path) -> TextModel:
    from transformers import DistilBertForSequenceClassification

    network = read_network(DistilBertForSequenceClassification, folder, CLASSIFICATION)
    return TransformersModel(network, outputs=int(network.config.num_labels))


def _read_gpt2(folder: Path) -> TextModel:
    from transformers import GPT2LMHeadModel

    network = read_network(GPT2LMHeadModel, folder, LANGUAGE_MODELLING)
    return TransformersModel(network, outputs=int(network.config.vocab_size))


def _read_lstm(folder: Path) -> TextModel:
    from lightning_modules.lstm_folder import read_lstm

    return read_lstm(folder)


DISTILBERT = Family("distilbert", CLASSIFICATION, _read_distilbert)
GPT2 = Family("gpt2", LANGUAGE_MODELLING, _read_gpt2)
LSTM = Family("lstm", CLASSIFICATION, _read_lstm)
FAMILIES = {family.kind: family for family in (DISTILBERT, GPT2, LSTM)}
