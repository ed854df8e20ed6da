"""Attention's fused kernels on a GPU, whose backward pass torch makes deterministic only where it is told to be strict.

A run asks for deterministic algorithms and takes a warning where there is none (`warn_only`), so that it goes on and
names the operation. The fused kernels take that for leave to be quick. They have a deterministic way, so for the time
of their backward pass torch is strict. What else attention was computed by (products written out, where no fused kernel
takes the inputs) keeps the leave: a strict torch would end the run at an operation that has no deterministic way.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

Tensors = tuple[torch.Tensor, torch.Tensor, torch.Tensor]
# Of the backward passes of torch's fused kernels, those with a deterministic way. cuDNN's has none.
_DETERMINISTIC = ("ScaledDotProductFlashAttention", "ScaledDotProductEfficientAttention")


def fused_attention(
    attend: Callable[..., torch.Tensor], query: torch.Tensor, key: torch.Tensor, value: torch.Tensor
) -> torch.Tensor:
    """`attend(query, key, value)`, on a GPU the same to the bit each time wherever deterministic algorithms are on."""
    deterministic = torch.are_deterministic_algorithms_enabled() and torch.is_grad_enabled()
    if query.device.type != "cuda" or not deterministic:
        return attend(query, key, value)
    return strictly(attend, query, key, value)


def strictly(
    attend: Callable[..., torch.Tensor], query: torch.Tensor, key: torch.Tensor, value: torch.Tensor
) -> torch.Tensor:
    """`attend(query, key, value)`; a fused kernel's backward pass runs while only deterministic ones are allowed."""
    lenient = torch.is_deterministic_algorithms_warn_only_enabled()
    inputs: Tensors = _BackToLenient.apply(lenient, query, key, value)  # type: ignore[no-untyped-call]
    found = attend(*inputs)
    if not _by_a_deterministic_kernel(found, inputs):
        return found
    return _BeginStrict.apply(found)  # type: ignore[no-untyped-call]


def _by_a_deterministic_kernel(found: torch.Tensor, inputs: Tensors) -> bool:
    """Whether one of the fused kernels stands between `inputs` and `found`; which one it is, torch decides by them."""
    begin = {tensor.grad_fn for tensor in inputs}
    waiting = [found.grad_fn]
    while waiting:
        node = waiting.pop()
        if node is None or node in begin:
            continue
        if node.name().startswith(_DETERMINISTIC):
            return True
        waiting += [before for before, _ in node.next_functions]
    return False


class _BeginStrict(torch.autograd.Function):
    """The identity; its backward pass comes just before that of what made its input."""

    @staticmethod
    def forward(ctx: Any, found: torch.Tensor) -> torch.Tensor:
        del ctx
        return found.view_as(found)

    @staticmethod
    def backward(ctx: Any, *grads: Any) -> Any:
        del ctx
        torch.use_deterministic_algorithms(True, warn_only=False)
        return grads[0]


class _BackToLenient(torch.autograd.Function):
    """The identity of three; its backward pass waits for the gradients of all."""

    @staticmethod
    def forward(ctx: Any, lenient: bool, *inputs: torch.Tensor) -> Tensors:
        ctx.lenient = lenient
        query, key, value = (tensor.view_as(tensor) for tensor in inputs)
        return query, key, value

    @staticmethod
    def backward(ctx: Any, *grads: Any) -> Any:
        torch.use_deterministic_algorithms(True, warn_only=ctx.lenient)
        return None, *grads
