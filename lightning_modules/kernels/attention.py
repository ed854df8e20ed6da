"""Causal attention of a training step on a CPU, in the faster of two ways.

Legend: B batch, H heads, T tokens, K width of a head.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import torch
from transformers import AttentionInterface, AttentionMaskInterface
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.masking_utils import sdpa_mask

from lightning_modules.kernels.strict import fused_attention

if TYPE_CHECKING:
    from transformers import PreTrainedModel

_NAME = "encore_causal"
# Where matrix products are done in bfloat16, torch's fused kernel loses up to here to products written out (forward
# and backward of 40 x 4 x 200 x 64: 135 ms against 62, in 16 x 4 x 512 x 64 about the same). In full float32 it wins.
_LONGEST_WRITTEN_OUT = 320


def use_quick_attention(model: PreTrainedModel) -> None:
    """Have `model` compute its attention by `causal_attention`; what is saved of it says nothing of that."""
    AttentionInterface.register(_NAME, _forward)
    AttentionMaskInterface.register(_NAME, sdpa_mask)
    model.set_attn_implementation(_NAME)


def _forward(
    module: torch.nn.Module,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: torch.Tensor | None,
    dropout: float = 0.0,
    scaling: float | None = None,
    is_causal: bool | None = None,
    **others: Any,
) -> tuple[torch.Tensor, None]:
    """As transformers calls it: (B, H, T, K) in, (B, T, H, K) out."""
    plain = attention_mask is None and dropout == 0 and query.shape == key.shape and is_causal is not False
    if not (plain and _is_written_out(query)):

        def attend(query: torch.Tensor, key: torch.Tensor, value: torch.Tensor) -> torch.Tensor:
            found, _ = sdpa_attention_forward(
                module,
                query,
                key,
                value,
                attention_mask,
                dropout=dropout,
                scaling=scaling,
                is_causal=is_causal,
                **others,
            )
            return found

        return fused_attention(attend, query, key, value), None
    scale = 1 / math.sqrt(query.shape[-1]) if scaling is None else scaling
    return causal_attention(query, key, value, scale).transpose(1, 2), None


def _is_written_out(query: torch.Tensor) -> bool:
    reduced = query.dtype == torch.bfloat16 or torch.get_float32_matmul_precision() == "medium"
    return query.device.type == "cpu" and reduced and query.shape[2] <= _LONGEST_WRITTEN_OUT


def causal_attention(
    query_BHTK: torch.Tensor, key_BHTK: torch.Tensor, value_BHTK: torch.Tensor, scale: float
) -> torch.Tensor:
    """softmax(query @ key.T * scale, of the past) @ value, (B, H, T, K)."""
    tokens = query_BHTK.shape[2]
    future = torch.full((tokens, tokens), -torch.inf, dtype=query_BHTK.dtype).triu(1)
    query, key, value = (x.flatten(0, 1) for x in (query_BHTK, key_BHTK, value_BHTK))
    weights = torch.baddbmm(future, query, key.transpose(1, 2), alpha=scale).softmax(-1)
    return torch.bmm(weights, value).view(query_BHTK.shape)
