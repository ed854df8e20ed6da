"""A linear classifier of two labels over the n-grams of words that a text holds.

Legend: B batch, T tokens, F n-grams that are known, N n-grams of the texts of a batch, each once a text.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import nn

from lightning_modules.ngrams import key_of
from lightning_modules.settings import Features


@dataclass(frozen=True)
class LinearSize:
    """vocabulary: ids of words; ngrams: those that are known, of up to `longest` words; features: what an n-gram of a
    text counts; labels: two, in their order."""

    vocabulary: int
    longest: int
    ngrams: int
    features: Features
    labels: tuple[str, ...]


class Held(NamedTuple):
    """What the texts of a batch hold, by text and then by n-gram: text, number of the n-gram, how often."""

    text_N: torch.Tensor
    ngram_N: torch.Tensor
    count_N: torch.Tensor


class LinearNetwork(nn.Module):
    """The sum of the weights of a text's n-grams, each by what it counts there, and a bias: the margin.

    nb: every n-gram that a text holds counts 1. tfidf: (1 + ln count) times the n-gram's `scale`, its idf, and all of a
    text together have the length 1. Sums are of float64, in the order of the n-grams, so a text's logits do not depend
    on the texts beside it. The logits are minus and plus half of the margin.
    """

    keys: torch.Tensor
    scale: torch.Tensor

    def __init__(self, size: LinearSize) -> None:
        super().__init__()
        self.size = size
        self.register_buffer("keys", torch.zeros(size.ngrams, dtype=torch.int64))  # ascending
        if size.features == "tfidf":
            self.register_buffer("scale", torch.ones(size.ngrams))
        self.weight = nn.Parameter(torch.zeros(size.ngrams))
        self.bias = nn.Parameter(torch.zeros(1))

    def forward(self, input_ids: torch.Tensor) -> torch.Tensor:
        """(B, 2) of ids (B, T); padding is no word, so it counts nothing."""
        held = self.held(input_ids)
        shares_N = self.counted(held, len(input_ids)) * self.weight[held.ngram_N].double()
        margin_B = _summed(shares_N, held.text_N, len(input_ids)) + self.bias.double()
        return torch.stack([-margin_B / 2, margin_B / 2], dim=1).float()

    def held(self, ids_BT: torch.Tensor) -> Held:
        """Which known n-grams stand in which text."""
        texts: list[torch.Tensor] = []
        ngrams: list[torch.Tensor] = []
        for length in range(1, min(self.size.longest, ids_BT.shape[1]) + 1):
            places = ids_BT.shape[1] - length + 1
            keys = key_of([ids_BT[:, i : i + places] for i in range(length)], self.size.vocabulary)
            at = torch.searchsorted(self.keys, keys).clamp(max=self.size.ngrams - 1)
            known = self.keys[at] == keys
            texts.append(known.nonzero()[:, 0])
            ngrams.append(at[known])
        joined = torch.cat(texts) * self.size.ngrams + torch.cat(ngrams)
        once_N, count_N = torch.unique(joined, return_counts=True)
        return Held(once_N // self.size.ngrams, once_N % self.size.ngrams, count_N)

    def counted(self, held: Held, texts: int) -> torch.Tensor:
        """(N,) float64: what each n-gram counts in its text."""
        if self.size.features == "nb":
            return torch.ones(len(held.text_N), dtype=torch.float64)
        found_N = (1 + held.count_N.double().log()) * self.scale[held.ngram_N].double()
        length_B = _summed(found_N.square(), held.text_N, texts).sqrt()
        return found_N / length_B[held.text_N]


def _summed(values_N: torch.Tensor, text_N: torch.Tensor, texts: int) -> torch.Tensor:
    """(B,): the sum of each text, in the order that the values stand in."""
    return torch.zeros(texts, dtype=torch.float64).index_add_(0, text_N, values_N)
