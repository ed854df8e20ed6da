"""While attention's gradient is computed torch is strict, before and after as it was."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch.nn.attention import SDPBackend, sdpa_kernel

from lightning_modules.kernels.strict import fused_attention, strictly


@pytest.fixture(autouse=True)
def _as_before() -> Generator[None]:
    yield
    torch.use_deterministic_algorithms(False)


class ScaledDotProductFlashAttentionWatched(torch.autograd.Function):
    seen: list[bool] = []  # noqa: RUF012 what the backward pass found

    @staticmethod
    def forward(ctx: Any, query: torch.Tensor, key: torch.Tensor, value: torch.Tensor) -> torch.Tensor:
        ctx.save_for_backward(query, key)
        return query * key + value

    @staticmethod
    def backward(ctx: Any, *grads: Any) -> Any:
        ScaledDotProductFlashAttentionWatched.seen.append(
            torch.is_deterministic_algorithms_warn_only_enabled()
        )
        query, key = ctx.saved_tensors
        return grads[0] * key, grads[0] * query, grads[0]


@pytest.mark.parametrize("lenient", [True, False])
@pytest.mark.parametrize("learning", [(True, True, True), (False, True, False)])
def test_only_the_gradient_of_attention_is_strict(lenient: bool, learning: tuple[bool, ...]) -> None:
    torch.use_deterministic_algorithms(True, warn_only=lenient)
    ScaledDotProductFlashAttentionWatched.seen.clear()
    inputs = [torch.randn(3, requires_grad=learns) for learns in learning]
    before = [torch.is_deterministic_algorithms_warn_only_enabled()]
    found = strictly(ScaledDotProductFlashAttentionWatched.apply, *inputs)
    before.append(torch.is_deterministic_algorithms_warn_only_enabled())
    found.sum().backward()
    assert before == [lenient, lenient]
    assert ScaledDotProductFlashAttentionWatched.seen == [False]
    assert torch.is_deterministic_algorithms_warn_only_enabled() is lenient
    assert [tensor.grad is not None for tensor in inputs] == list(learning)
    if learning[1]:
        assert torch.equal(inputs[1].grad, inputs[0])  # type: ignore[arg-type]


def test_on_a_cpu_attention_is_called_as_it_is() -> None:
    torch.use_deterministic_algorithms(True, warn_only=True)
    inputs = [torch.randn(3, requires_grad=True) for _ in range(3)]
    found = fused_attention(ScaledDotProductFlashAttentionWatched.apply, *inputs)
    assert type(found.grad_fn).__name__ == "ScaledDotProductFlashAttentionWatchedBackward"


class WrittenOut(ScaledDotProductFlashAttentionWatched):
    """The same, which torch does not know by the name of a fused kernel."""


def test_attention_without_a_fused_kernel_keeps_its_leave() -> None:
    torch.use_deterministic_algorithms(True, warn_only=True)
    ScaledDotProductFlashAttentionWatched.seen.clear()
    inputs = [torch.randn(3, requires_grad=True) for _ in range(3)]
    strictly(WrittenOut.apply, *inputs).sum().backward()
    assert ScaledDotProductFlashAttentionWatched.seen == [True]
    assert torch.is_deterministic_algorithms_warn_only_enabled()


@pytest.mark.parametrize(("backend", "strict"), [("FLASH_ATTENTION", True), ("MATH", False)])
def test_the_kernel_that_torch_chose_is_recognised(backend: str, strict: bool) -> None:
    """torch's own names, behind a transposition; a fused layer before it does not count; the same gradients."""
    torch.use_deterministic_algorithms(True, warn_only=True)
    leaf = torch.randn(2, 8, 2, 16, requires_grad=True)
    inputs = [F.scaled_dot_product_attention(leaf, leaf, leaf * number) for number in (1, 2, 3)]

    def attend(*tensors: torch.Tensor) -> torch.Tensor:
        found = F.scaled_dot_product_attention(*(each.transpose(1, 2) for each in tensors), is_causal=True)
        return found.transpose(1, 2)

    with sdpa_kernel(getattr(SDPBackend, backend)):
        found, plain = strictly(attend, *inputs), attend(*inputs)
    assert found.grad_fn is not None
    assert (found.grad_fn.name() == "_BeginStrictBackward") is strict
    gradients = [
        torch.autograd.grad(each.square().sum(), inputs, retain_graph=True) for each in (found, plain)
    ]
    assert all(torch.equal(*pair) for pair in zip(*gradients, strict=True))
    assert torch.is_deterministic_algorithms_warn_only_enabled()
