"""The families of models: a row for each, by the name that `model.kind` gives it.

A new family is a row here, its settings in `settings.py`, a file with its Learner and a case in `experiments/build.py`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from errors import UserError
from host.model_folder import CONFIG, ModelFolder
from lightning_modules.text_model import TextModel
from lightning_modules.transformers_model import TransformersModel, read_network
from scoring.task import Task
from scoring.tasks import CLASSIFICATION, LANGUAGE_MODELLING

if TYPE_CHECKING:
    from lightning_modules.attention import Attending


@dataclass(frozen=True)
class Family:
    """One family. read: a folder that its model has saved, in float32 and evaluation mode; UserError for any other.
    attending: its model in parts, where it has attention."""

    kind: str
    task: Task
    read: Callable[[Path], TextModel]
    attending: Callable[[TextModel], Attending] | None = None


def _read_distilbert(folder: Path) -> TextModel:
    from transformers import DistilBertForSequenceClassification

    network = read_network(DistilBertForSequenceClassification, folder, CLASSIFICATION)
    return TransformersModel(network, outputs=int(network.config.num_labels))


def _read_bert(folder: Path) -> TextModel:
    from transformers import BertForSequenceClassification

    network = read_network(BertForSequenceClassification, folder, CLASSIFICATION)
    return TransformersModel(network, outputs=int(network.config.num_labels))


def _read_gpt2(folder: Path) -> TextModel:
    from transformers import GPT2LMHeadModel

    network = read_network(GPT2LMHeadModel, folder, LANGUAGE_MODELLING)
    return TransformersModel(network, outputs=int(network.config.vocab_size))


def _read_lstm(folder: Path) -> TextModel:
    from lightning_modules.lstm_folder import read_lstm

    return read_lstm(folder)


def _read_linear(folder: Path) -> TextModel:
    from lightning_modules.linear_folder import read_linear

    return read_linear(folder)


def _distilbert_in_parts(model: TextModel) -> Attending:
    from lightning_modules.attention_parts import distilbert_parts

    return distilbert_parts(model.network)


def _bert_in_parts(model: TextModel) -> Attending:
    from lightning_modules.attention_parts import bert_parts

    return bert_parts(model.network)


def _gpt2_in_parts(model: TextModel) -> Attending:
    from lightning_modules.attention_parts import gpt2_parts

    return gpt2_parts(model.network)


DISTILBERT = Family("distilbert", CLASSIFICATION, _read_distilbert, _distilbert_in_parts)
BERT = Family("bert", CLASSIFICATION, _read_bert, _bert_in_parts)
GPT2 = Family("gpt2", LANGUAGE_MODELLING, _read_gpt2, _gpt2_in_parts)
LSTM = Family("lstm", CLASSIFICATION, _read_lstm)
LINEAR = Family("linear", CLASSIFICATION, _read_linear)
FAMILIES = {family.kind: family for family in (DISTILBERT, GPT2, LSTM, LINEAR)}
_OF_FOLDERS = {family.kind: family for family in (DISTILBERT, BERT, GPT2)}
"""Whose folders, as transformers' classes save them, are read although nothing here trained them."""


def family_of_folder(folder: Path) -> Family:
    """By what config.json says. UserError for a family that is not read."""
    found = ModelFolder(folder, where=str(folder))
    kind = found.table(CONFIG).get("model_type") if found.has(CONFIG) else None
    if not isinstance(kind, str) or kind not in _OF_FOLDERS:
        raise UserError(
            f"{CONFIG} says model_type {kind!r:.40}" if found.has(CONFIG) else f"has no {CONFIG}",
            where=str(folder),
            cure=f"Give the folder of one of {', '.join(_OF_FOLDERS)}.",
        )
    return _OF_FOLDERS[kind]
