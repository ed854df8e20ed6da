"""What every model here shares as a LightningModule: the optimiser, clipping, the check of the loss."""

from __future__ import annotations

from abc import ABC, abstractmethod
from pathlib import Path
from typing import Any, Generic, TypeVar

import pytorch_lightning as pl
import torch
from torch import nn
from torchmetrics import MeanMetric

from errors import RunError
from host.boundary import boundary
from host.models import non_finite_weight
from lightning_modules.distillation import distillation_loss
from lightning_modules.kernels.dropout import replace_dropouts
from lightning_modules.optimisation import (
    Optimisation,
    clip_gradients,
    optimiser_and_schedule,
    parameter_groups,
)
from lightning_modules.settings import DistillationConfig
from lightning_modules.text_model import TextModel

Batch = dict[str, torch.Tensor]
Network = TypeVar("Network", bound=nn.Module)


class NonFiniteLossError(RunError):
    """The loss is NaN or infinite: training diverged, or before its first step the weights it begins with overflow."""

    def __init__(self, step: int, loss: float) -> None:
        learned = (
            "Lower optim.learning_rate, lengthen optim.warmup_ratio, clip gradients, or train in 32-true."
        )
        given = "Nothing was learned yet: begin with other weights (model.pretrained), or train in 32-true."
        super().__init__(
            f"the training loss is {loss} at step {step}",
            where=f"step {step}",
            cure=learned if step else given,
        )


class Learner(pl.LightningModule, ABC, Generic[Network]):
    """A network, `model`, and how it learns.

    `last_gradient_norm`: 0-d tensor, the global norm before clipping of the latest optimiser step. `distillation`: how
    it learns from the `teacher_logits` (B, L) float32 of a batch; none: from its labels alone.
    """

    def __init__(self, model: Network, optimisation: Optimisation) -> None:
        super().__init__()
        replace_dropouts(model)
        self.model: Network = model
        self.optimisation = optimisation
        self.val_loss = MeanMetric()
        self.last_gradient_norm = torch.zeros(())
        self.distillation: DistillationConfig | None = None

    @property
    @abstractmethod
    def text_model(self) -> TextModel:
        """What the rest of the house asks of `model`."""

    @abstractmethod
    def loss_and_logits(self, batch: Batch) -> tuple[torch.Tensor, torch.Tensor]:
        """Mean training loss (0-d) and the logits it came from."""

    def loss(self, batch: Batch) -> torch.Tensor:
        """The loss alone, which may be had for less than the logits."""
        return self.loss_and_logits(batch)[0]

    def training_loss(self, batch: Batch) -> torch.Tensor:
        """What is minimised: the loss, of a student mixed with the distance from its teacher's logits."""
        if self.distillation is None:
            return self.loss(batch)
        labels, logits_BL = self.loss_and_logits(batch)
        taught = distillation_loss(logits_BL, batch["teacher_logits"], self.distillation)
        return torch.lerp(labels, taught, self.distillation.weight)

    @abstractmethod
    def depth_of(self, name: str) -> int:
        """Depth of a parameter for layer-wise learning rates: 0 the embeddings, rising to the head."""

    def on_train_start(self) -> None:
        """Here the checkpoint that a run goes on from is loaded."""
        if (name := non_finite_weight(self.model)) is not None:
            raise RunError(
                f"the weights it begins with hold NaN or infinity, first in {name}",
                where=f"step {self.global_step}",
                cure="Begin with an earlier checkpoint, of before the run diverged.",
            )

    def training_step(self, batch: Batch, batch_idx: int) -> torch.Tensor:
        del batch_idx
        loss = self.training_loss(batch)
        if not torch.isfinite(loss):
            raise NonFiniteLossError(self.global_step, loss.item())
        return loss

    def configure_optimizers(self) -> Any:
        groups = parameter_groups(
            self.named_parameters(), depth_of=self.depth_of, config=self.optimisation.config
        )
        optimiser, schedule = optimiser_and_schedule(groups, self.optimisation)
        return {"optimizer": optimiser, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}

    def configure_gradient_clipping(self, optimizer: Any, *_: Any, **__: Any) -> None:
        """Clip by our own setting and keep the norm, which would otherwise be computed twice."""
        # With a fused optimiser Lightning leaves unscaling to its kernel, which is after the clipping.
        scaler = getattr(self.trainer.precision_plugin, "scaler", None)
        if scaler is not None:
            scaler.unscale_(optimizer)
        parameters = [p for group in optimizer.param_groups for p in group["params"]]
        self.last_gradient_norm = clip_gradients(parameters, self.optimisation.config.gradient_clip_norm)

    def save_weights(self, path: Path) -> None:
        """The model's tensors as safetensors; tied ones are stored once."""
        from safetensors.torch import save_model

        size = sum(weight.nbytes for weight in self.model.parameters())
        with boundary(
            "the weights cannot be written", where=str(path), cure="Look at its disk.", writing=size
        ):
            save_model(self.model, str(path))

    def load_weights(self, path: Path) -> None:
        """Read what `save_weights` wrote."""
        from safetensors.torch import load_model

        with boundary(
            "the weights cannot be read", where=str(path), cure="The file was altered; restore it."
        ):
            load_model(self.model, str(path))
