"""AdamW with decay on matrices only, layer-wise learning rates, warm-up and decay.

AdamW: Loshchilov & Hutter 2019, arXiv 1711.05101. Layer-wise decay: Howard & Ruder 2018 (ULMFiT),
arXiv 1801.06146, in the geometric form of Clark et al. 2020 (ELECTRA), arXiv 2003.10555.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import torch
from torch import nn
from torch.optim.lr_scheduler import LambdaLR

from lightning_modules.settings import OptimConfig, Schedule


@dataclass(frozen=True)
class Optimisation:
    """How weights move in a run of `total_steps` optimiser steps."""

    config: OptimConfig
    total_steps: int

    @property
    def warmup_steps(self) -> int:
        return round(self.config.warmup_ratio * self.total_steps)


def learning_rate_factor(step: int, *, schedule: Schedule, warmup_steps: int, total_steps: int) -> float:
    """Share of the peak learning rate at optimiser step `step` (0-based), in [0, 1].

    Rises linearly over `warmup_steps`; then falls to 0 at `total_steps` linearly or as half a
    cosine, or stays.
    """
    if step < warmup_steps:
        return (step + 1) / (warmup_steps + 1)
    if schedule == "constant":
        return 1.0
    progress = min(1.0, (step - warmup_steps) / max(1, total_steps - warmup_steps))
    return 0.5 * (1.0 + math.cos(math.pi * progress)) if schedule == "cosine" else 1.0 - progress


def parameter_groups(
    named_parameters: Iterable[tuple[str, nn.Parameter]],
    *,
    depth_of: Callable[[str], int],
    config: OptimConfig,
) -> list[dict[str, object]]:
    """Groups by (learning rate, decayed or not), the lowest rate first.

    depth_of: 0 for the embeddings, rising to the head. The deepest parameters learn at the full rate,
    each depth below at `layerwise_decay` times the one above. Only tensors of two or more dimensions
    decay: biases and normalisation weights do not. Parameters come with their names, so that a saved
    state can be told apart by them.
    """
    trained = [(name, p) for name, p in named_parameters if p.requires_grad]
    deepest = max(depth_of(name) for name, _ in trained)
    groups: dict[tuple[float, bool], list[tuple[str, nn.Parameter]]] = {}
    for name, parameter in trained:
        rate = config.learning_rate * config.layerwise_decay ** (deepest - depth_of(name))
        groups.setdefault((rate, parameter.dim() >= 2), []).append((name, parameter))
    return [
        {"params": parameters, "lr": rate, "weight_decay": config.weight_decay if decayed else 0.0}
        for (rate, decayed), parameters in sorted(groups.items(), key=lambda item: item[0])
    ]


def optimiser_and_schedule(
    groups: list[dict[str, object]], optimisation: Optimisation
) -> tuple[torch.optim.Optimizer, LambdaLR]:
    """Fused AdamW over `groups` and its per-step schedule."""
    config = optimisation.config
    optimiser = torch.optim.AdamW(
        groups,
        lr=config.learning_rate,
        betas=(config.beta1, config.beta2),
        eps=config.epsilon,
        fused=True,
    )

    def factor(step: int) -> float:
        return learning_rate_factor(
            step,
            schedule=config.schedule,
            warmup_steps=optimisation.warmup_steps,
            total_steps=optimisation.total_steps,
        )

    return optimiser, LambdaLR(optimiser, factor)


def clip_gradients(parameters: Iterable[nn.Parameter], limit: float | None) -> torch.Tensor:
    """Scale gradients in place so that their global 2-norm is at most `limit`; the norm before, 0-d float32.

    Unlike `torch.nn.utils.clip_grad_norm_` nothing is multiplied when nothing is to be clipped,
    which saves one pass over all gradients, and on a CPU the norm comes from dot products, which
    are twice as fast as its norm.
    """
    parameters = [parameter for parameter in parameters if parameter.grad is not None]
    gradients = [parameter.grad.reshape(-1) for parameter in parameters if parameter.grad is not None]
    if all(gradient.device.type == "cpu" for gradient in gradients):
        norm = torch.stack([torch.dot(gradient, gradient) for gradient in gradients]).sum().sqrt()
    else:
        norm = torch.nn.utils.get_total_norm(gradients)
    if limit is not None and norm > limit:
        torch.nn.utils.clip_grads_with_norm_(parameters, limit, norm)
    return norm
