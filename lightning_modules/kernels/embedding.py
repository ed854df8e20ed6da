"""An embedding whose dense gradient is touched only in the rows that a batch uses."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import nn


class RowwiseEmbedding(nn.Embedding):
    """`nn.Embedding`, with one gradient tensor for the whole of training on a CPU.

    torch makes a new gradient of zeros of the size of the vocabulary in every step: 47 MB for the 450 rows
    that a batch of the offline encoder uses. Here `cleared_gradient` sets those rows to zero again and
    keeps the tensor. Gradients are the same; where it is not called the tensor is made anew.
    """

    @classmethod
    def around(cls, embedding: nn.Embedding) -> RowwiseEmbedding:
        """One that shares the weight of `embedding`."""
        made = cls(
            embedding.num_embeddings,
            embedding.embedding_dim,
            padding_idx=embedding.padding_idx,
            _weight=embedding.weight,
        )
        made.weight = embedding.weight  # the same parameter, so that ties and names stay
        return made.train(embedding.training)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._used: list[torch.Tensor] = []

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        learns = torch.is_grad_enabled() and self.weight.requires_grad
        if not learns or self.weight.device.type != "cpu":
            return super().forward(input)
        found: torch.Tensor = _Rows.apply(self.weight, input.flatten(), self)  # type: ignore[no-untyped-call]
        return found.view(*input.shape, -1)

    def add_to_gradient(self, rows_N: torch.Tensor, gradient_ND: torch.Tensor) -> None:
        """Add `gradient_ND` (N, D) to the gradient of the rows numbered `rows_N` (N,)."""
        if self.padding_idx is not None:
            gradient_ND = gradient_ND.masked_fill((rows_N == self.padding_idx)[:, None], 0.0)
        if self.weight.grad is None:
            self.weight.grad = torch.zeros_like(self.weight)
            self._used.clear()
        self.weight.grad.index_add_(0, rows_N, gradient_ND.to(self.weight.dtype))
        self._used.append(rows_N)

    def cleared_gradient(self) -> torch.Tensor | None:
        """The kept gradient, all zeros again; None where torch made the gradient, which is not to be kept."""
        if self.weight.grad is None or not self._used:
            return None
        for rows_N in self._used:
            self.weight.grad.index_fill_(0, rows_N, 0.0)
        self._used.clear()
        return self.weight.grad


class _Rows(torch.autograd.Function):
    """Rows of a weight; the gradient goes straight into the gradient tensor of `embedding`."""

    @staticmethod
    def forward(ctx: Any, weight_VD: torch.Tensor, rows_N: torch.Tensor, embedding: RowwiseEmbedding) -> Any:
        ctx.save_for_backward(rows_N)
        ctx.embedding = embedding
        return F.embedding(rows_N, weight_VD)

    @staticmethod
    def backward(ctx: Any, *gradients: Any) -> tuple[None, None, None]:
        (rows_N,) = ctx.saved_tensors
        ctx.embedding.add_to_gradient(rows_N, gradients[0])
        return None, None, None
