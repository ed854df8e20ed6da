"""What learns by gradients: AdamW over all its parameters, its schedule, clipping."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any, TypeVar

import torch
from torch import nn

from lightning_modules.learner import Learner
from lightning_modules.optimisation import (
    Optimisation,
    clip_gradients,
    optimiser_and_schedule,
    parameter_groups,
)

Network = TypeVar("Network", bound=nn.Module)


class GradientLearner(Learner[Network]):
    """A learner whose class gives it its `optimisation`.

    `last_gradient_norm`: 0-d tensor, the global norm before clipping of the latest optimiser step.
    `last_learning_rate`: of the deepest parameters in that step.
    """

    optimisation: Optimisation
    last_gradient_norm: torch.Tensor = torch.zeros(())
    last_learning_rate: float = 0.0

    @abstractmethod
    def depth_of(self, name: str) -> int:
        """Depth of a parameter for layer-wise learning rates: 0 the embeddings, rising to the head."""

    def freeze_below(self, frozen_layers: int) -> None:
        """0 trains everything; k freezes the embeddings and the first k - 1 layers."""
        for name, parameter in self.named_parameters():
            parameter.requires_grad = self.depth_of(name) >= frozen_layers

    def configure_optimizers(self) -> Any:
        groups = parameter_groups(
            self.named_parameters(), depth_of=self.depth_of, config=self.optimisation.config
        )
        optimiser, schedule = optimiser_and_schedule(groups, self.optimisation)
        return {"optimizer": optimiser, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}

    def configure_gradient_clipping(self, optimizer: Any, *_: Any, **__: Any) -> None:
        """Clip by our own setting and keep the norm, which would otherwise be computed twice."""
        # Read here: by the end of the batch the schedule has moved on to the next step.
        self.last_learning_rate = float(optimizer.param_groups[-1]["lr"])
        # With a fused optimiser Lightning leaves unscaling to its kernel, which is after the clipping.
        scaler = getattr(self.trainer.precision_plugin, "scaler", None)
        if scaler is not None:
            scaler.unscale_(optimizer)
        parameters = [p for group in optimizer.param_groups for p in group["params"]]
        self.last_gradient_norm = clip_gradients(parameters, self.optimisation.config.gradient_clip_norm)

    def step_figures(self) -> dict[str, float]:
        return {
            "train/learning_rate": self.last_learning_rate,
            "train/gradient_norm": float(self.last_gradient_norm),
        }
