from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from lightning_modules.kernels import linear_cross_entropy as module
from lightning_modules.kernels.linear_cross_entropy import linear_cross_entropy


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 40), st.integers(2, 60), st.integers(1, 9), st.floats(0, 0.9))
def test_loss_and_gradients_are_those_of_all_logits(
    seed: int, rows: int, vocabulary: int, at_once: int, ignored: float
) -> None:
    torch.manual_seed(seed)
    hidden, weight = torch.randn(rows, 8), torch.randn(vocabulary, 8)
    targets = torch.randint(vocabulary, (rows,))
    targets[torch.rand(rows) < ignored] = -100
    targets[0] = 1
    found, expected = [], []
    before, module._LOGITS_AT_ONCE = module._LOGITS_AT_ONCE, at_once * vocabulary
    try:
        for results, ours in ((found, True), (expected, False)):
            h, w = hidden.clone().requires_grad_(), weight.clone().requires_grad_()
            if ours:
                loss = linear_cross_entropy(h, w, targets, ignored=-100)
            else:
                loss = F.cross_entropy(h @ w.T, targets, ignore_index=-100)
            (3 * loss).backward()
            results += [loss.detach(), h.grad, w.grad]
    finally:
        module._LOGITS_AT_ONCE = before
    for one, other in zip(found, expected, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-5, atol=1e-6)


def test_large_logits_do_not_overflow() -> None:
    hidden = torch.full((2, 1), 100.0, requires_grad=True)
    weight = torch.tensor([[100.0], [-100.0]], requires_grad=True)
    loss = linear_cross_entropy(hidden, weight, torch.tensor([0, 1]), ignored=-100)
    loss.backward()
    assert loss.item() == pytest.approx(10_000)
    assert hidden.grad is not None
    assert hidden.grad.isfinite().all()


def test_without_gradients_the_same_loss() -> None:
    hidden, weight, targets = torch.randn(5, 4), torch.randn(7, 4), torch.randint(7, (5,))
    with torch.inference_mode():
        loss = linear_cross_entropy(hidden, weight, targets, ignored=-100)
    assert torch.equal(loss, linear_cross_entropy(hidden.requires_grad_(), weight, targets, ignored=-100))


def test_a_validation_computes_no_gradient(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(_: torch.Tensor) -> torch.Tensor:
        raise AssertionError("a gradient is computed that nobody asked for")

    hidden, weight, targets = torch.randn(5, 4), torch.nn.Parameter(torch.randn(7, 4)), torch.randint(7, (5,))
    for name in ("zeros_like", "empty_like"):
        monkeypatch.setattr(torch, name, refused)
    for without in (torch.no_grad, torch.inference_mode):
        with without():
            linear_cross_entropy(hidden, weight, targets, ignored=-100)


@pytest.mark.parametrize("frozen", ["hidden", "weight"])
def test_what_is_frozen_gets_no_gradient_and_the_other_the_same(frozen: str) -> None:
    made = {"hidden": torch.randn(5, 4), "weight": torch.randn(7, 4)}
    targets = torch.randint(7, (5,))
    trained = next(name for name in made if name != frozen)
    found: list[torch.Tensor | None] = []
    for still in (frozen, None):
        tensors = {name: made[name].clone().requires_grad_(name != still) for name in made}
        linear_cross_entropy(tensors["hidden"], tensors["weight"], targets, ignored=-100).backward()
        found.append(tensors[trained].grad)
        assert (tensors[frozen].grad is None) == (still == frozen)
    assert found[0] is not None
    assert found[1] is not None
    assert torch.equal(found[0], found[1])
