"""What every classifier here shares as a LightningModule: loss, validation, and of a deep one its word embeddings."""

from __future__ import annotations

from abc import abstractmethod
from typing import TypeVar

import torch
import torch.nn.functional as F
from torch import nn
from torchmetrics.classification import MulticlassAccuracy

from lightning_modules.gradient_learner import GradientLearner
from lightning_modules.kernels.embedding import RowwiseEmbedding
from lightning_modules.learner import Batch, Learner
from lightning_modules.optimisation import Optimisation

Network = TypeVar("Network", bound=nn.Module)


class Classifier(Learner[Network]):
    """Learns from labelled texts. outputs: labels of `model`."""

    def __init__(self, model: Network, *, outputs: int, label_smoothing: float = 0.0) -> None:
        super().__init__(model)
        self.label_smoothing = label_smoothing
        self.val_accuracy = MulticlassAccuracy(num_classes=outputs, average="micro")

    @abstractmethod
    def logits(self, batch: Batch) -> torch.Tensor:
        """(B, L) of a padded batch."""

    def loss_and_logits(self, batch: Batch) -> tuple[torch.Tensor, torch.Tensor]:
        logits_BL = self.logits(batch)
        loss = F.cross_entropy(
            logits_BL.float(),
            batch["labels"],
            label_smoothing=self.label_smoothing if self.training else 0.0,
        )
        return loss, logits_BL

    def validation_step(self, batch: Batch, batch_idx: int) -> None:
        del batch_idx
        loss, logits_BL = self.loss_and_logits(batch)
        self.val_loss.update(loss, weight=len(batch["labels"]))
        self.val_accuracy.update(logits_BL, batch["labels"])

    def on_validation_epoch_end(self) -> None:
        self.log_dict({"val/loss": self.val_loss, "val/accuracy": self.val_accuracy})


class DeepClassifier(Classifier[Network], GradientLearner[Network]):
    """A classifier with word embeddings and layers above them, trained by gradients.

    frozen_layers: 0 trains everything; k freezes the embeddings and the first k - 1 layers.
    """

    def __init__(
        self,
        model: Network,
        *,
        optimisation: Optimisation,
        outputs: int,
        label_smoothing: float,
        frozen_layers: int,
    ) -> None:
        super().__init__(model, outputs=outputs, label_smoothing=label_smoothing)
        self.optimisation = optimisation
        self.freeze_below(frozen_layers)

    @property
    @abstractmethod
    def words(self) -> RowwiseEmbedding:
        """The embeddings of `model`'s tokens."""

    def optimizer_zero_grad(self, epoch: int, batch_idx: int, optimizer: torch.optim.Optimizer) -> None:
        """Drop all gradients but that of the word embeddings, of which only the used rows are zeroed."""
        kept = self.words.cleared_gradient()
        super().optimizer_zero_grad(epoch, batch_idx, optimizer)
        self.words.weight.grad = kept
