"""The weights of a linear classifier, by scikit-learn: logistic regression or a linear SVM, of tf-idf or as NB-SVM.

NB-SVM: Wang & Manning 2012, "Baselines and Bigrams"; with logistic regression: Mesnil et al. 2015, arXiv 1412.5335.

Legend: N texts, F n-grams.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from errors import RunError
from lightning_modules.settings import LinearLoss

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from scipy.sparse import csr_matrix

    Floats = NDArray[np.float64]

_SMOOTHING = 1.0  # texts of each label that hold every n-gram, beside those of train
_MOST_ROUNDS = 10_000


@dataclass(frozen=True)
class LinearFit:
    """How weights are fitted.

    C: the weight of the loss, summed over the texts, against half of the squared norm of the weights. beta: share of
    what was fitted against the mean size of the weights (Wang & Manning, section 2.3); 1: all.
    """

    loss: LinearLoss
    C: float
    beta: float

    def fitted(self, values_NF: csr_matrix, labels_N: NDArray[np.int64]) -> tuple[Floats, float, int]:
        """The weights (F,), the bias and the solver's rounds. RunError where it does not come to an end.

        One thread adds up, so the bits do not depend on how many there are.
        """
        from sklearn.exceptions import ConvergenceWarning
        from threadpoolctl import threadpool_limits

        with threadpool_limits(1), warnings.catch_warnings():
            warnings.simplefilter("error", ConvergenceWarning)
            try:
                return self._solved(values_NF, labels_N)
            except ConvergenceWarning as error:
                raise RunError(
                    f"scikit-learn found no end in {_MOST_ROUNDS:,} rounds",
                    where=f"model.C={self.C:g}",
                    cure="Lower it.",
                ) from error

    def _solved(self, values_NF: csr_matrix, labels_N: NDArray[np.int64]) -> tuple[Floats, float, int]:
        from sklearn.linear_model import LogisticRegression
        from sklearn.svm import LinearSVC

        found: Any
        if self.loss == "logistic":
            found = LogisticRegression(C=self.C, solver="lbfgs", max_iter=_MOST_ROUNDS)
        else:
            primal: Any = False  # its hints know "auto" alone
            found = LinearSVC(C=self.C, loss="squared_hinge", dual=primal, max_iter=_MOST_ROUNDS)
        found.fit(values_NF, labels_N)
        return found.coef_[0], float(found.intercept_[0]), int(np.max(found.n_iter_))

    def fitted_by_ratio(self, held_NF: csr_matrix, labels_N: NDArray[np.int64]) -> tuple[Floats, float, int]:
        """As `fitted`, of n-grams that count their log-count ratio (NB-SVM); the weights are for such that count 1."""
        ratio_F = log_count_ratio(held_NF, labels_N)
        weight_F, bias, rounds = self.fitted(held_NF.multiply(ratio_F).tocsr(), labels_N)
        mean = float(np.abs(weight_F).mean())
        return ratio_F * ((1 - self.beta) * mean + self.beta * weight_F), bias, rounds


def log_count_ratio(held_NF: csr_matrix, labels_N: NDArray[np.int64]) -> Floats:
    """(F,): the logarithm of an n-gram's share among those of the texts labelled 1, over its share in the others.

    held_NF: 1 where a text holds the n-gram.
    """
    shares = []
    for label in (1, 0):
        counts_F = _SMOOTHING + np.asarray(held_NF[labels_N == label].sum(axis=0)).ravel()
        shares.append(counts_F / counts_F.sum())
    return np.log(shares[0] / shares[1])


def idf(texts_F: NDArray[np.int64], texts: int) -> Floats:
    """(F,): inverse document frequencies as scikit-learn smooths them; texts_F: how many of `texts` hold each."""
    return np.log((1 + texts) / (1 + texts_F)) + 1
