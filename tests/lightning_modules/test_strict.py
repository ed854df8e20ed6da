"""While attention's gradient is computed torch is strict, before and after as it was."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import pytest
import torch

from lightning_modules.strict import fused_attention, strictly


@pytest.fixture(autouse=True)
def _as_before() -> Generator[None]:
    yield
    torch.use_deterministic_algorithms(False)


class _Watched(torch.autograd.Function):
    seen: list[bool] = []  # noqa: RUF012 what the backward pass found

    @staticmethod
    def forward(ctx: Any, query: torch.Tensor, key: torch.Tensor, value: torch.Tensor) -> torch.Tensor:
        ctx.save_for_backward(query, key)
        return query * key + value

    @staticmethod
    def backward(ctx: Any, *grads: Any) -> Any:
        _Watched.seen.append(torch.is_deterministic_algorithms_warn_only_enabled())
        query, key = ctx.saved_tensors
        return grads[0] * key, grads[0] * query, grads[0]


@pytest.mark.parametrize("lenient", [True, False])
@pytest.mark.parametrize("learning", [(True, True, True), (False, True, False)])
def test_only_the_gradient_of_attention_is_strict(lenient: bool, learning: tuple[bool, ...]) -> None:
    torch.use_deterministic_algorithms(True, warn_only=lenient)
    _Watched.seen.clear()
    inputs = [torch.randn(3, requires_grad=learns) for learns in learning]
    before = [torch.is_deterministic_algorithms_warn_only_enabled()]
    found = strictly(_Watched.apply, *inputs)
    before.append(torch.is_deterministic_algorithms_warn_only_enabled())
    found.sum().backward()
    assert before == [lenient, lenient]
    assert _Watched.seen == [False]
    assert torch.is_deterministic_algorithms_warn_only_enabled() is lenient
    assert [tensor.grad is not None for tensor in inputs] == list(learning)
    if learning[1]:
        assert torch.equal(inputs[1].grad, inputs[0])  # type: ignore[arg-type]


def test_on_a_cpu_attention_is_called_as_it_is() -> None:
    torch.use_deterministic_algorithms(True, warn_only=True)
    inputs = [torch.randn(3, requires_grad=True) for _ in range(3)]
    found = fused_attention(_Watched.apply, *inputs)
    assert type(found.grad_fn).__name__ == "_WatchedBackward"
