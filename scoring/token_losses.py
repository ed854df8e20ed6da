"""Negative log-likelihoods of the tokens of sequences.

Legend: B batch, T tokens, V vocabulary.
"""

from __future__ import annotations

import pandas as pd
import torch
import torch.nn.functional as F


def token_losses(logits_BTV: torch.Tensor, labels_BT: torch.Tensor) -> pd.DataFrame:
    """Per sequence `nll`, nats summed over its targets, and `tokens`, how many these are."""
    # The classes last: over another dimension it takes many times as long.
    flat = logits_BTV.float().flatten(0, 1)
    loss_BT = F.cross_entropy(flat, labels_BT.flatten(), reduction="none").view_as(labels_BT)
    counted_BT = labels_BT >= 0
    return pd.DataFrame(
        {
            "nll": (loss_BT * counted_BT).sum(1).double().cpu().numpy(),
            "tokens": counted_BT.sum(1).cpu().numpy(),
        }
    )
