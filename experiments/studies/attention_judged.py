"""What less attention costs a model, as paired differences on the same texts.

Legend: N texts, B batch, T tokens, L outputs, V vocabulary.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from experiments.studies.attention_ablation import FULL, Setting
from scoring.bootstrap import resampled
from scoring.holm import holm
from scoring.intervals import wilson_interval
from scoring.paired import mcnemar_mid_p, paired_interval

if TYPE_CHECKING:
    import torch
    from numpy.typing import NDArray

    from experiments.studies.attention_ablation import Batch
    from scoring.bootstrap import Resampled

    Floats = NDArray[np.float64]


def p_value(beyond: Resampled) -> float:
    """Two-sided, against no difference. Of N texts none is below 2^(1-N), the least that a test by flipping the signs
    of their differences can give: a handful that agree by chance would have a bootstrap as sure as one likes."""
    return max(beyond.differs_from(), 2.0 ** (1 - beyond.rows))


@dataclass(frozen=True)
class Judged:
    """A score with its interval, and how far it lies from the whole model's. metric: `accuracy`, or `loss` in nats a
    token."""

    score: float
    low: float
    high: float
    difference: float
    difference_low: float
    difference_high: float
    p_value: float


class Accuracy:
    """Of a classifier: whether each text (N,) has its label; McNemar's mid-p test against the whole model."""

    metric = "accuracy"

    def __init__(self, labels_N: Sequence[int]) -> None:
        self._labels_N = np.asarray(labels_N)

    def of(self, logits_BL: torch.Tensor, batch: Batch) -> Floats:
        return (logits_BL.argmax(-1).numpy() == self._labels_N[batch.rows]).astype(np.float64)

    def judged(self, right_N: Floats, whole_N: Floats) -> Judged:
        rows, hits = len(right_N), int(right_N.sum())
        lost, won = int((whole_N > right_N).sum()), int((right_N > whole_N).sum())
        return Judged(
            hits / rows,
            *wilson_interval(hits, rows),
            (won - lost) / rows,
            *paired_interval(lost, won, rows),
            mcnemar_mid_p(lost, won),
        )


class Loss:
    """Of a language model: nats of each text (N,), over the tokens behind its first; texts are drawn again."""

    metric = "loss"

    def __init__(self, tokens_N: Sequence[int], *, seed: int) -> None:
        self._tokens_N, self._seed = np.asarray(tokens_N, np.float64), seed

    def of(self, logits_BTV: torch.Tensor, batch: Batch) -> Floats:
        from scoring.token_losses import token_losses

        targets_BT = batch.ids_BT[:, 1:].clone()
        for row, length in enumerate(batch.lengths):
            targets_BT[row, length - 1 :] = _IGNORED
        return token_losses(logits_BTV[:, :-1], targets_BT)["nll"].to_numpy(np.float64)

    def judged(self, nats_N: Floats, whole_N: Floats) -> Judged:
        found = resampled(nats_N, self._tokens_N, seed=self._seed)
        apart = resampled(nats_N - whole_N, self._tokens_N, seed=self._seed)
        return Judged(found.estimate, *found.interval(), apart.estimate, *apart.interval(), p_value(apart))


_IGNORED = -100


def whole_row(measure: Accuracy | Loss, scores: Mapping[Setting, Floats]) -> dict[str, float]:
    """The whole model's score with its interval."""
    found = measure.judged(scores[FULL], scores[FULL])
    return {"score": found.score, "low": found.low, "high": found.high}


def judged_rows(
    measure: Accuracy | Loss, scores: Mapping[Setting, Floats], settings: Sequence[Setting]
) -> list[dict[str, Any]]:
    """A row for each setting; p-values as if each had been asked alone (Holm)."""
    found = [measure.judged(scores[setting], scores[FULL]) for setting in settings]
    corrected = holm([one.p_value for one in found])
    return [
        {**vars(setting), **vars(one), "p_value": value}
        for setting, one, value in zip(settings, found, corrected, strict=True)
    ]
