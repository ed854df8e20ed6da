"""The parts of a linear classifier that stand between its settings and its data: the n-grams that it knows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from errors import UserError
from lightning_modules.settings import LinearModelConfig

if TYPE_CHECKING:
    from datamodules.tokenized import TokenizedData
    from lightning_modules.linear import LinearClassifier


def linear_learner(model: LinearModelConfig, data: TokenizedData) -> LinearClassifier:
    """Without weights yet, over the n-grams of the train rows.

    UserError where no n-gram stands in enough of them, and where all have one label.
    """
    import torch

    from lightning_modules.linear import LinearClassifier
    from lightning_modules.linear_fit import LinearFit, idf
    from lightning_modules.linear_network import LinearNetwork, LinearSize
    from lightning_modules.ngrams import known_ngrams

    _check_labels(data)
    table, vocabulary = data.tables["train"], len(data.tokenizer)
    keys_F, texts_F = known_ngrams(
        table.ids_S,
        table.lengths,
        vocabulary=vocabulary,
        longest=model.longest_ngram,
        marks=data.tokenizer.all_special_ids,
        least_texts=model.min_df,
    )
    if not len(keys_F):
        raise UserError(
            f"no n-gram stands in {model.min_df} of the {len(table):,} train rows",
            where="model.min_df",
            cure="Lower it, or give more data.",
        )
    size = LinearSize(vocabulary, model.longest_ngram, len(keys_F), model.features, data.wanted.label_names)
    network = LinearNetwork(size)
    network.keys.copy_(torch.from_numpy(keys_F))
    if model.features == "tfidf":
        network.scale.copy_(torch.from_numpy(idf(texts_F, len(table))))
    return LinearClassifier(network, LinearFit(model.loss, model.C, model.beta))


def _check_labels(data: TokenizedData) -> None:
    names, labels = data.wanted.label_names, data.rows["train"].labels
    assert labels is not None
    assert len(names) == 2, "every corpus of labelled texts has two labels"
    if len(found := set(labels)) < len(names):
        raise UserError(
            f"all {len(labels):,} train rows are {names[found.pop()]}, and a linear model tells two labels apart",
            where="data.path" if data.settings.path else f"data.kind={data.settings.kind}",
            cure="Give rows of both labels.",
        )
