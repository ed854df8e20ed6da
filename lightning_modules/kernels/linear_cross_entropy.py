"""The loss of a large vocabulary without a table of all logits.

Logits of B x T tokens times a vocabulary are the largest thing a small language model makes: written once, read for the
softmax, and both again backwards. Here a few hundred rows at a time are multiplied, turned into their loss and their
gradient while they are in the cache, and multiplied back (Wijmans et al. 2025, "Cut Your Losses in Large-Vocabulary
Language Models", arXiv 2411.09009, has the idea for a GPU).

Legend: N rows, D width, V vocabulary, R rows of a piece.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch

_LOGITS_AT_ONCE = 2**21  # 8 MiB of float32


def linear_cross_entropy(
    hidden_ND: torch.Tensor, weight_VD: torch.Tensor, targets_N: torch.Tensor, *, ignored: int
) -> torch.Tensor:
    """Mean cross-entropy (0-d float32, nats) of `targets_N` under the logits hidden @ weight.T.

    targets_N: int64, `ignored` where a row does not count; at least one must. The same as
    `torch.nn.functional.cross_entropy` of the logits, but for rounding.
    """
    # Asked here: inside, torch says of a weight that it needs a gradient even where none is being recorded.
    recorded = torch.is_grad_enabled()
    return _LinearCrossEntropy.apply(hidden_ND, weight_VD, targets_N, ignored, recorded)  # type: ignore[no-any-return]


class _LinearCrossEntropy(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        hidden_ND: torch.Tensor,
        weight_VD: torch.Tensor,
        targets_N: torch.Tensor,
        ignored: int,
        recorded: bool,
    ) -> torch.Tensor:
        counted = targets_N != ignored
        share = 1.0 / counted.sum().clamp(min=1)
        of_hidden, of_weight = (recorded and needed for needed in ctx.needs_input_grad[:2])
        grad_hidden_ND = torch.empty_like(hidden_ND) if of_hidden else None
        grad_weight_VD = torch.zeros_like(weight_VD) if of_weight else None
        loss = torch.zeros((), device=hidden_ND.device)
        rows = max(1, _LOGITS_AT_ONCE // len(weight_VD))
        for hidden_RD, targets_R, counted_R, piece in _pieces(hidden_ND, targets_N, counted, rows):
            logits_RV = (hidden_RD @ weight_VD.T).float()
            logits_RV -= logits_RV.amax(1, keepdim=True)
            at_R1 = targets_R.masked_fill(~counted_R, 0)[:, None]
            chosen_R = logits_RV.gather(1, at_R1)[:, 0]
            shares_RV = logits_RV.exp_()
            sums_R = shares_RV.sum(1)
            loss += ((sums_R.log() - chosen_R) * counted_R).sum()
            if not (of_hidden or of_weight):
                continue
            scale_R = counted_R * share
            shares_RV *= (scale_R / sums_R)[:, None]
            shares_RV.scatter_add_(1, at_R1, -scale_R[:, None].to(shares_RV.dtype))
            if grad_hidden_ND is not None:
                grad_hidden_ND[piece] = shares_RV @ weight_VD
            if grad_weight_VD is not None:
                grad_weight_VD += shares_RV.T @ hidden_RD
        ctx.save_for_backward(grad_hidden_ND, grad_weight_VD)
        return loss * share

    @staticmethod
    def backward(ctx: Any, *grads: torch.Tensor) -> tuple[torch.Tensor | None, ...]:  # type: ignore[override]
        of_hidden, of_weight = (None if grad is None else grad * grads[0] for grad in ctx.saved_tensors)
        return of_hidden, of_weight, None, None, None


def _pieces(
    hidden_ND: torch.Tensor, targets_N: torch.Tensor, counted_N: torch.Tensor, rows: int
) -> Iterator[tuple[torch.Tensor, torch.Tensor, torch.Tensor, slice]]:
    for begin in range(0, len(hidden_ND), rows):
        piece = slice(begin, begin + rows)
        yield hidden_ND[piece], targets_N[piece], counted_N[piece], piece
