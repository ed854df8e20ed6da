"""An LSTM over words (Hochreiter & Schmidhuber 1997) in both directions (Graves & Schmidhuber 2005) with a head.

Legend: B batch, T tokens, N tokens of all texts of a batch, L labels, H width of both directions' states.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import nn
from torch.nn.utils.rnn import PackedSequence, pack_padded_sequence, pad_packed_sequence

from lightning_modules.kernels.embedding import RowwiseEmbedding

_SPREAD = 0.1  # standard deviation of new vectors of words


@dataclass(frozen=True)
class LstmSize:
    """vocabulary: ids of words; padding, unknown: those that stand for none and for any other. embedding_dim: numbers
    of a word's vector; dim: of the state of each direction; labels: of the head, in their order."""

    vocabulary: int
    embedding_dim: int
    dim: int
    layers: int
    padding: int
    unknown: int
    labels: tuple[str, ...]


class LstmNetwork(nn.Module):
    """Words' vectors, layers of states in both directions, the largest and the mean of each over a text, a linear head.

    Max pooling: Conneau et al. 2017, arXiv 1705.02364. dropout: of the inputs of each layer and of the head.
    word_dropout: share of the words of a training batch that are read as unknown.
    """

    def __init__(self, size: LstmSize, *, dropout: float = 0.0, word_dropout: float = 0.0) -> None:
        super().__init__()
        self.size = size
        self.word_dropout = word_dropout
        self.words = RowwiseEmbedding(size.vocabulary, size.embedding_dim, padding_idx=size.padding)
        widths = [size.embedding_dim, *[2 * size.dim] * (size.layers - 1)]
        self.layers = nn.ModuleList(
            nn.LSTM(width, size.dim, batch_first=True, bidirectional=True) for width in widths
        )
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(4 * size.dim, len(size.labels))
        nn.init.normal_(self.words.weight, std=_SPREAD)
        with torch.no_grad():
            self.words.weight[size.padding].zero_()
        self.register_state_dict_post_hook(_apart)

    def begin_with(self, vectors_VD: torch.Tensor, known_V: torch.Tensor) -> None:
        """Take the vectors of the known words; those of the others are drawn as wide as these are spread."""
        spread = float(vectors_VD[known_V].std())
        with torch.no_grad():
            self.words.weight.mul_(spread / _SPREAD)
            self.words.weight[known_V] = vectors_VD[known_V]

    def forward(self, input_ids: torch.Tensor) -> torch.Tensor:
        """(B, L) of ids (B, T) without padding; what is exported."""
        states_BTH = self.words(input_ids)
        for layer in self.layers:
            states_BTH, _ = layer(self.dropout(states_BTH))
        return self._head(states_BTH.amax(1), states_BTH.mean(1))

    def padded(self, ids_BT: torch.Tensor, mask_BT: torch.Tensor) -> torch.Tensor:
        """(B, L) of a padded batch, packed: no step is made over padding, in either direction."""
        lengths_B = mask_BT.sum(1)
        packed = pack_padded_sequence(ids_BT, lengths_B.cpu(), batch_first=True, enforce_sorted=False)
        states = _with(packed, self.words(self._dropped(packed.data)))
        for layer in self.layers:
            states, _ = layer(_with(states, self.dropout(states.data)))
        highest_BTH, _ = pad_packed_sequence(states, batch_first=True, padding_value=-torch.inf)
        states_BTH = highest_BTH.masked_fill(highest_BTH.isneginf(), 0.0)
        return self._head(highest_BTH.amax(1), states_BTH.sum(1) / lengths_B[:, None])

    def _head(self, highest_BH: torch.Tensor, mean_BH: torch.Tensor) -> torch.Tensor:
        """In float64: how a sum of hundreds is rounded depends on how many rows stand in the product."""
        pooled_BH = self.dropout(torch.cat([highest_BH, mean_BH], dim=-1))
        return F.linear(pooled_BH.double(), self.head.weight.double(), self.head.bias.double()).float()

    def _dropped(self, ids_N: torch.Tensor) -> torch.Tensor:
        if not self.training or self.word_dropout == 0.0:
            return ids_N
        read_N = torch.rand(ids_N.shape, device=ids_N.device) >= self.word_dropout
        return torch.where(read_N, ids_N, self.size.unknown)


def _apart(module: nn.Module, state: dict[str, torch.Tensor], _prefix: str, _metadata: object) -> None:
    """Each weight in memory of its own: cuDNN lays those of a layer into one stretch, which safetensors refuses."""
    del module
    state.update({name: weight.clone() for name, weight in state.items()})


def _with(packed: PackedSequence, data: torch.Tensor) -> PackedSequence:
    """The same texts with other numbers for each token."""
    return PackedSequence(data, packed.batch_sizes, packed.sorted_indices, packed.unsorted_indices)
