"""An LSTM's parts: the word vectors that it begins with, and its learner."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from errors import UserError
from host.notices import notice
from lightning_modules.settings import LstmModelConfig, ModelConfig

if TYPE_CHECKING:
    from datamodules.tokenized import TokenizedData
    from datamodules.word_vectors import WordVectors
    from lightning_modules.lstm import LstmClassifier
    from lightning_modules.lstm_network import LstmNetwork
    from lightning_modules.optimisation import Optimisation


def check_vectors_named(model: ModelConfig) -> None:
    """UserError where `model.vectors` names nothing that could be read."""
    if (source := _source(model)) is not None:
        from datamodules.word_vectors import vectors_file

        vectors_file(source)


def vectors_of(model: ModelConfig) -> WordVectors | None:
    """Those that `model.vectors` names, of as many numbers as `model.embedding_dim` says; none where it names none."""
    source = _source(model)
    if source is None:
        return None
    from datamodules.word_vectors import read_word_vectors

    found = read_word_vectors(source)
    width = getattr(model, "embedding_dim", None)
    if found.dimensions != width:
        raise UserError(
            f"its vectors have {found.dimensions} numbers, and model.embedding_dim is {width}",
            where=f"model.vectors={source}",
            cure=f"Give model.embedding_dim={found.dimensions}.",
        )
    return found


def _source(model: ModelConfig) -> Path | None:
    named = getattr(model, "vectors", None)
    return None if named is None else Path(named)


def lstm_learner(model: LstmModelConfig, data: TokenizedData, optimisation: Optimisation) -> LstmClassifier:
    """From scratch, from word vectors, or from a folder."""
    from datamodules.tokenizers import pad_token_id, unknown_token_id
    from lightning_modules.lstm import LstmClassifier, pretrained_lstm
    from lightning_modules.lstm_network import LstmNetwork, LstmSize

    labels, dropouts = data.wanted.label_names, {"dropout": model.dropout, "word_dropout": model.word_dropout}
    if model.pretrained is not None:
        network = pretrained_lstm(model.pretrained, labels=labels, **dropouts)
    else:
        size = LstmSize(
            vocabulary=len(data.tokenizer),
            embedding_dim=model.embedding_dim,
            dim=model.dim,
            layers=model.layers,
            padding=pad_token_id(data.tokenizer),
            unknown=unknown_token_id(data.tokenizer),
            labels=labels,
        )
        network = LstmNetwork(size, **dropouts)
        if data.context.tokenizer.vectors is not None:
            _begin_with(network, data.context.tokenizer.vectors, data)
    return LstmClassifier(
        network,
        optimisation=optimisation,
        label_smoothing=model.label_smoothing,
        frozen_layers=model.frozen_layers,
    )


def _begin_with(network: LstmNetwork, vectors: WordVectors, data: TokenizedData) -> None:
    """UserError where no word of the train rows has a vector."""
    import numpy as np
    import torch

    words = data.tokenizer.get_vocab()
    numbers = sorted((words[word], row) for word, row in vectors.rows.items() if word in words)
    ids, rows = (np.array(found, np.int64) for found in zip(*numbers, strict=True)) if numbers else ([], [])
    matrix_VD = np.zeros((len(words), vectors.dimensions), np.float32)
    matrix_VD[ids] = vectors.matrix_VD[rows]
    known_V = np.zeros(len(words), dtype=bool)
    known_V[ids] = True
    table = data.learned
    read = np.concatenate([table.sequence(row) for row in range(len(table))])
    counts = np.bincount(read, minlength=len(words))
    counts[data.tokenizer.all_special_ids] = 0
    used_V = counts > 0
    if not (used_V & known_V).any():
        raise UserError(
            "has a vector for none of the words of the train rows",
            where=f"model.vectors={vectors.origin}",
            cure="Give vectors of the language of the corpus.",
        )
    share = 100 * counts[known_V].sum() / counts.sum()
    notice(
        f"{vectors.origin}: {int((used_V & known_V).sum()):,} of the {int(used_V.sum()):,} words of train have a "
        f"vector ({share:.1f} % of what is read); the others begin at random"
    )
    network.begin_with(torch.from_numpy(matrix_VD), torch.from_numpy(known_V))
