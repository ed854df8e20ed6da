from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from torch import nn

from lightning_modules.kernels.dropout import Dropout, dropout, replace_dropouts


@hypothesis_settings(deadline=None, max_examples=30)
@given(st.floats(0.02, 0.98), st.integers(0, 1000))
def test_the_share_dropped_and_the_mean_are_as_asked(p: float, seed: int) -> None:
    torch.manual_seed(seed)
    count = 200_003  # not a multiple of four: the last word is used in part
    out = dropout(torch.ones(count), p, training=True)
    deviation = 5 * (p * (1 - p) / count) ** 0.5
    assert abs((out == 0).double().mean().item() - p) < deviation
    assert abs(out.double().mean().item() - 1) < deviation / (1 - p)
    assert out[out != 0].unique().numel() == 1


def test_neighbours_are_dropped_independently() -> None:
    torch.manual_seed(0)
    dropped = (dropout(torch.ones(400_000), 0.3, training=True) == 0).double()
    for lag in (1, 2, 3, 4, 8):
        correlation = torch.corrcoef(torch.stack((dropped[:-lag], dropped[lag:])))[0, 1]
        assert abs(correlation) < 5 / 400_000**0.5


@pytest.mark.parametrize("kind", [torch.float32, torch.bfloat16])
def test_gradient_flows_where_the_value_did(kind: torch.dtype) -> None:
    torch.manual_seed(0)
    x = torch.randn(3, 5, 7, dtype=kind, requires_grad=True)
    out = dropout(x, 0.4, training=True)
    out.sum().backward()
    assert out.dtype == kind
    assert x.grad is not None
    assert torch.equal(x.grad != 0, out != 0)


def test_the_ends_and_evaluation_are_torchs() -> None:
    x = torch.randn(50)
    assert torch.equal(dropout(x, 0.0, training=True), x)
    assert torch.equal(dropout(x, 0.7, training=False), x)
    assert torch.equal(dropout(x, 1.0, training=True), torch.zeros(50))


def test_the_seed_decides() -> None:
    masks = []
    for seed in (1, 1, 2):
        torch.manual_seed(seed)
        masks.append(dropout(torch.ones(99), 0.5, training=True))
    assert torch.equal(masks[0], masks[1])
    assert not torch.equal(masks[0], masks[2])


def test_every_dropout_of_a_model_is_replaced_in_its_mode() -> None:
    model = nn.Sequential(nn.Linear(2, 2), nn.Sequential(nn.Dropout(0.3).eval(), nn.Dropout(0.1)))
    replace_dropouts(model)
    found = [module for module in model.modules() if isinstance(module, nn.Dropout)]
    assert [type(module) for module in found] == [Dropout, Dropout]
    assert [(module.p, module.training) for module in found] == [(0.3, False), (0.1, True)]
