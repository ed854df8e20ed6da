from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from lightning_modules.optimisation import (
    clip_gradients,
    learning_rate_factor,
    parameter_groups,
)
from lightning_modules.settings import OptimConfig, Schedule


def settings(**changes: object) -> OptimConfig:
    values: dict[str, object] = {"learning_rate": 1e-3, "weight_decay": 0.1, "layerwise_decay": 0.5}
    return OptimConfig.model_validate({**values, **changes})


@given(st.integers(0, 50), st.integers(51, 500), st.sampled_from(["linear", "cosine", "constant"]))
def test_the_rate_rises_then_never_rises_again(warmup: int, total: int, schedule: Schedule) -> None:
    factors = [
        learning_rate_factor(step, schedule=schedule, warmup_steps=warmup, total_steps=total)
        for step in range(total + 1)
    ]
    assert all(0 <= factor <= 1 for factor in factors)
    assert factors[: warmup + 1] == sorted(factors[: warmup + 1])
    assert factors[warmup:] == sorted(factors[warmup:], reverse=True)
    assert factors[warmup] == 1
    assert factors[total] == pytest.approx(1.0 if schedule == "constant" else 0.0, abs=1e-12)


def test_halfway_of_linear_and_cosine_is_half() -> None:
    for schedule in ("linear", "cosine"):
        assert learning_rate_factor(55, schedule=schedule, warmup_steps=10, total_steps=100) == pytest.approx(
            0.5
        )


def test_only_matrices_decay_and_lower_layers_learn_slower() -> None:
    model = nn.Sequential(nn.Embedding(5, 4), nn.Linear(4, 4), nn.LayerNorm(4), nn.Linear(4, 2))
    groups = parameter_groups(
        model.named_parameters(),
        depth_of=lambda name: {"0": 0, "1": 1, "2": 1, "3": 2}[name[0]],
        config=settings(),
    )
    where = {id(p): group for group in groups for _, p in group["params"]}  # type: ignore[attr-defined]
    assert len(where) == len(list(model.parameters()))
    for parameter in model.parameters():
        assert where[id(parameter)]["weight_decay"] == (0.1 if parameter.dim() >= 2 else 0.0)
    rates = [where[id(layer.weight)]["lr"] for layer in (model[0], model[1], model[3])]
    assert rates == [0.25e-3, 0.5e-3, 1e-3]


def test_frozen_parameters_are_in_no_group() -> None:
    model = nn.Linear(3, 3)
    model.weight.requires_grad = False
    groups = parameter_groups(model.named_parameters(), depth_of=lambda _: 0, config=settings())
    assert [name for group in groups for name, _ in group["params"]] == ["bias"]  # type: ignore[attr-defined]


@given(st.floats(0.01, 100), st.floats(0.01, 10))
def test_clipping_agrees_with_torch(scale: float, limit: float) -> None:
    def parameters() -> list[nn.Parameter]:
        generator = torch.Generator().manual_seed(0)
        made = [nn.Parameter(torch.zeros(shape)) for shape in ((3, 4), (5,))]
        for parameter in made:
            parameter.grad = scale * torch.randn(parameter.shape, generator=generator)
        return made

    ours, theirs = parameters(), parameters()
    norm = clip_gradients(ours, limit)
    assert torch.allclose(norm, torch.nn.utils.clip_grad_norm_(theirs, limit))
    for mine, other in zip(ours, theirs, strict=True):
        assert torch.allclose(mine.grad, other.grad)  # type: ignore[arg-type]
