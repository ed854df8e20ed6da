"""How a linear classifier learns: one optimiser step, in which scikit-learn fits its weights to all train rows.

Legend: B batch, T tokens, N train rows, F n-grams.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from lightning_modules.classifier import Classifier
from lightning_modules.learner import Batch
from lightning_modules.linear_fit import LinearFit
from lightning_modules.linear_folder import LinearModel
from lightning_modules.linear_network import Held, LinearNetwork
from lightning_modules.text_model import TextModel

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from scipy.sparse import csr_matrix


class LinearClassifier(Classifier[LinearNetwork]):
    """Takes down what each batch holds; in the step that ends the last one, `fit` finds the weights."""

    def __init__(self, model: LinearNetwork, fit: LinearFit) -> None:
        super().__init__(model, outputs=len(model.size.labels))
        self.fit = fit
        self._read: list[tuple[NDArray[np.int64], NDArray[np.int64], Held]] = []
        self._rounds = 0

    @property
    def text_model(self) -> TextModel:
        return LinearModel(self.model)

    def logits(self, batch: Batch) -> torch.Tensor:
        return self.model(batch["input_ids"])

    def training_step(self, batch: Batch, batch_idx: int) -> torch.Tensor:
        self._read.append(
            (batch["row"].numpy(), batch["labels"].numpy(), self.model.held(batch["input_ids"]))
        )
        return super().training_step(batch, batch_idx)

    def backward(self, loss: torch.Tensor, *_: Any, **__: Any) -> None:
        """Nothing: no gradient is asked for."""

    def configure_optimizers(self) -> Any:
        return _WholeFit(self.named_parameters(), self._fit)

    def step_figures(self) -> dict[str, float]:
        return {"train/solver_rounds": float(self._rounds)}

    def _fit(self) -> None:
        held_NF, labels_N = self._taken_down()
        if self.model.size.features == "nb":
            weight_F, bias, self._rounds = self.fit.fitted_by_ratio(held_NF, labels_N)
        else:
            weight_F, bias, self._rounds = self.fit.fitted(held_NF, labels_N)
        with torch.no_grad():
            self.model.weight.copy_(torch.from_numpy(weight_F))
            self.model.bias.fill_(bias)

    def _taken_down(self) -> tuple[csr_matrix, NDArray[np.int64]]:
        """What the n-grams of each row count (N, F), and the labels (N,), in the order of the rows' numbers.

        So the order of the batches decides no bit.
        """
        from scipy.sparse import csr_matrix

        rows = np.concatenate([rows for rows, _, _ in self._read])
        labels = np.concatenate([labels for _, labels, _ in self._read])
        counted = [self.model.counted(held, len(rows)).numpy() for rows, _, held in self._read]
        row_of = [rows[held.text_N.numpy()] for rows, _, held in self._read]
        ngrams = [held.ngram_N.numpy() for _, _, held in self._read]
        self._read.clear()
        places = np.concatenate(row_of), np.concatenate(ngrams)
        size = len(rows), self.model.size.ngrams
        return csr_matrix((np.concatenate(counted), places), shape=size), labels[np.argsort(rows)]


class _WholeFit(torch.optim.Optimizer):
    """An optimiser whose step is `fit`, after the batch that it ends."""

    def __init__(self, parameters: Iterable[tuple[str, torch.nn.Parameter]], fit: Callable[[], None]) -> None:
        super().__init__(parameters, {})
        self._fit = fit

    def step(self, closure: Callable[[], float]) -> float:  # type: ignore[override] Lightning always has one
        loss = closure()
        self._fit()
        return loss
