"""Final scores, computed by the `evaluate` library from the metric scripts in `scoring/metrics`.

The scripts are imported from here rather than through `evaluate.load(path)`. That call does the same
after it has copied the script below the user's cache folder, which fails where the home is read-only,
and leaves files outside `mlruns/`. Nothing is fetched and nothing stays behind; any number of
processes may score at once.
"""

from __future__ import annotations

import math
import tempfile
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from errors import UserError
from host.boundary import boundary
from scoring.intervals import wilson_interval

if TYPE_CHECKING:
    from evaluate import Metric

_CURE = "Look at the version of evaluate: that of requirements.lock is tested."


def classification_scores(
    predictions: NDArray[np.integer], references: NDArray[np.integer]
) -> dict[str, float]:
    """Accuracy with its 95 % interval, F1 and Matthews correlation of class indices, both of shape (N,).

    Keys: `accuracy`, `accuracy_low`, `accuracy_high`, `f1` (of class 1; macro where a label exceeds 1) and
    `matthews_correlation` (0 where one side holds one class only). All finite.
    Raises `UserError` when there is nothing to score or the two differ in length.
    """
    _check_labels(predictions, references)
    from scoring.metrics.accuracy import Accuracy
    from scoring.metrics.f1 import F1
    from scoring.metrics.matthews_correlation import MatthewsCorrelation

    scores: dict[str, float] = {}
    for metric in (Accuracy, F1, MatthewsCorrelation):
        scores |= _compute(metric, predictions=predictions, references=references)
    hits = round(scores["accuracy"] * len(references))
    scores["accuracy_low"], scores["accuracy_high"] = wilson_interval(hits, len(references))
    return scores


def language_scores(nll_sum: float, tokens: int, text_bytes: int | None = None) -> dict[str, float]:
    """`loss` in nats per token and `perplexity`, from a negative log-likelihood summed over `tokens`.

    With the UTF-8 bytes of the texts also `bits_per_byte`, which compares models of different tokenizers.
    Raises `UserError` when no token was predicted or the sum is not a finite number from 0 up.
    """
    if tokens <= 0:
        raise UserError(
            "no token was predicted, so there is no perplexity",
            where="language-model scoring",
            cure="Check that the evaluation split holds texts of at least two tokens.",
        )
    if not (math.isfinite(nll_sum) and nll_sum >= 0):
        raise UserError(
            f"the summed loss is {nll_sum}, not a finite number from 0 up",
            where="language-model scoring",
            cure="Lower the learning rate or raise the precision: the model gives no valid probabilities.",
        )
    from scoring.metrics.perplexity import Perplexity

    scores = _compute(Perplexity, nll=np.array([nll_sum]), tokens=np.array([tokens]))
    return scores if text_bytes is None else scores | {"bits_per_byte": nll_sum / math.log(2) / text_bytes}


def _check_labels(predictions: NDArray[np.integer], references: NDArray[np.integer]) -> None:
    assert np.issubdtype(predictions.dtype, np.integer), predictions.dtype
    assert np.issubdtype(references.dtype, np.integer), references.dtype
    if predictions.shape != references.shape or references.ndim != 1:
        raise UserError(
            f"predictions have shape {predictions.shape}, references {references.shape}",
            where="classification scoring",
            cure="Score one prediction for each labelled example.",
        )
    if len(references) == 0:
        raise UserError(
            "there is nothing to score",
            where="classification scoring",
            cure="Check that the evaluation split has labelled rows.",
        )


def _compute(metric: type[Metric], **columns: NDArray[np.generic]) -> dict[str, float]:
    # `evaluate` makes its data folder even where it keeps everything in memory.
    with (
        boundary("the scores cannot be computed", where=metric.__name__, cure=_CURE, writing=0),
        tempfile.TemporaryDirectory(prefix="encore-scoring-") as folder,
    ):
        scores = metric(keep_in_memory=True, cache_dir=folder).compute(**columns)
    assert scores is not None, "the main process always gets the result"
    return scores
