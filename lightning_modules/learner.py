"""What every model here shares as a LightningModule: the check of the loss, the files of its weights."""

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
from lightning_modules.settings import DistillationConfig
from lightning_modules.text_model import TextModel
from scoring.task import UNLABELLED

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

    `distillation`: how it learns from the `teacher_logits` (B, L) float32 of a batch; none: from its labels alone.
    """

    def __init__(self, model: Network) -> None:
        super().__init__()
        replace_dropouts(model)
        self.model: Network = model
        self.val_loss = MeanMetric()
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
        """What is minimised: the loss, of a student mixed with the distance from its teacher's logits.

        The mean over all rows, in which one without a label has its share of the distance and no loss, whatever
        stands beside it in the batch.
        """
        if self.distillation is None:
            return self.loss(batch)
        labels, logits_BL = self.loss_and_logits(batch)
        taught = distillation_loss(logits_BL, batch["teacher_logits"], self.distillation)
        labelled = (batch["labels"] != UNLABELLED).float().mean()
        if not bool(labelled):  # the mean of no loss is NaN
            return taught * self.distillation.weight
        return torch.lerp(labels * labelled, taught, self.distillation.weight)

    @abstractmethod
    def configure_optimizers(self) -> Any:
        """As Lightning takes it."""

    @abstractmethod
    def step_figures(self) -> dict[str, float]:
        """By the name of the metric, what is recorded of the latest optimiser step beside its loss."""

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
