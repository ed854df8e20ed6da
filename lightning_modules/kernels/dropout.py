"""Dropout whose masks cost little on a CPU.

torch draws one Bernoulli number per element there, about 6 % of a fine-tuning step; 16 random bits decide as
well, and one draw of the generator gives four of them.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn

_LEVELS = 2**16
_LOWEST = -(2**15)


class Dropout(nn.Dropout):
    """`nn.Dropout` over `dropout`."""

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        return dropout(input, self.p, training=self.training)


def dropout(x: torch.Tensor, p: float, *, training: bool) -> torch.Tensor:
    """Zero elements of `x` (any shape, floating) with probability `p` and scale the others up.

    On a CPU the probability is `p` rounded to a multiple of 2**-16, and the others are scaled by its exact
    inverse, so that the mean stays. Draws from torch's global generator, like torch's own.
    """
    dropped = round(p * _LEVELS)
    if not training or x.device.type != "cpu" or dropped in (0, _LEVELS):
        return F.dropout(x, p, training)
    words = torch.empty((x.numel() + 3) // 4, dtype=torch.int64).random_(-(2**63), None)
    bits = words.view(torch.int16)[: x.numel()].view(x.shape)
    kept = torch.where(bits >= _LOWEST + dropped, _LEVELS / (_LEVELS - dropped), 0.0)
    return x * kept.to(x.dtype)


def replace_dropouts(model: nn.Module) -> None:
    """Put `Dropout` in the place of every `nn.Dropout` in `model`, with its probability and mode."""
    for name, child in list(model.named_children()):
        if type(child) is nn.Dropout:
            setattr(model, name, Dropout(child.p).train(child.training))
        else:
            replace_dropouts(child)
