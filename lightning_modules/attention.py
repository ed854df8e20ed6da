"""Attention written out over a network's own modules: its weights are seen, and can be limited or switched off.

The fused kernels that models run with give no weights, and the library's classes know no window. Here a layer is its
products and its softmax; all else of it (norms, feed-forward, head) is the network's.

Legend: B batch, T tokens, D width of the hidden states, E width of the word embeddings, H heads, K width of a head,
L outputs.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class Layer:
    """projected: of hidden states (B, T, D) the queries, keys and values, each (B, H, T, K). onwards: from the hidden
    states and the heads' mixed values (B, T, H * K) to the next hidden states. out_HKD: what carries each head's
    values into the hidden states."""

    projected: Callable[[Tensor], tuple[Tensor, Tensor, Tensor]]
    onwards: Callable[[Tensor, Tensor], Tensor]
    out_HKD: Tensor


@dataclass(frozen=True)
class Attending:
    """A network in parts.

    words: ids (B, T) to word embeddings (B, T, E). begun: these to the first hidden states. outputs: the last hidden
    states to logits, (B, L) of a classifier and (B, T, L) of a language model. causal: no token sees a later one.
    """

    words: Callable[[Tensor], Tensor]
    begun: Callable[[Tensor], Tensor]
    layers: tuple[Layer, ...]
    outputs: Callable[[Tensor], Tensor]
    heads: int
    causal: bool


@dataclass(frozen=True)
class Seen:
    """What one layer did. weights_BHTT: from (rows) to (columns). values_BHTK: before they are mixed."""

    weights_BHTT: Tensor
    values_BHTK: Tensor


def step(
    layer: Layer, hidden_BTD: Tensor, visible_BTT: Tensor, kept_H: Tensor | None = None
) -> tuple[Tensor, Seen]:
    """One layer. visible_BTT: which tokens (columns) a token (row) may look at. kept_H: 0 for a head that is off."""
    query_BHTK, key_BHTK, value_BHTK = layer.projected(hidden_BTD)
    scores_BHTT = (query_BHTK / math.sqrt(query_BHTK.shape[-1])) @ key_BHTK.transpose(-1, -2)
    hidden = torch.finfo(scores_BHTT.dtype).min  # not infinite: a padded row may see nothing at all
    weights_BHTT = scores_BHTT.masked_fill(~visible_BTT[:, None], hidden).softmax(-1)
    kept_BHTT = weights_BHTT if kept_H is None else weights_BHTT * kept_H[:, None, None]
    mixed_BTD = (kept_BHTT @ value_BHTK).transpose(1, 2).flatten(2)
    return layer.onwards(hidden_BTD, mixed_BTD), Seen(weights_BHTT, value_BHTK)


def visible(
    lengths: Sequence[int], *, causal: bool, window: int | None = None, first: bool = False
) -> Tensor:
    """(B, T, T), bool: what a token (row) may look at, for texts of so many tokens, padded on the right.

    window: at most so many tokens away; none: any. first: the first token sees all and all see it, whatever the window.
    """
    tokens = max(lengths)
    at_T = torch.arange(tokens)
    seen_TT = torch.ones(tokens, tokens, dtype=torch.bool)
    if window is not None:
        seen_TT = (at_T[:, None] - at_T[None]).abs() <= window
        if first:
            seen_TT = seen_TT | (at_T[:, None] == 0) | (at_T[None] == 0)
    if causal:
        seen_TT = seen_TT & (at_T[None] <= at_T[:, None])
    there_BT = at_T[None] < torch.tensor(lengths)[:, None]
    return seen_TT[None] & there_BT[:, None, :]


def padded(rows: Sequence[Sequence[int]]) -> Tensor:
    """(B, T) ids of rows of any lengths, zeros behind them, which `visible` hides."""
    return torch.nn.utils.rnn.pad_sequence([torch.tensor(row) for row in rows], batch_first=True)


def run(network: Attending, hidden_BTD: Tensor, visible_BTT: Tensor) -> tuple[Tensor, list[Seen]]:
    """Logits from the first hidden states, and what each layer did."""
    seen = list[Seen]()
    for layer in network.layers:
        hidden_BTD, did = step(layer, hidden_BTD, visible_BTT)
        seen.append(did)
    return network.outputs(hidden_BTD), seen
