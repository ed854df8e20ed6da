"""Perplexity of a language model, from log-likelihoods summed elsewhere."""

from __future__ import annotations

import datasets
import evaluate
import numpy as np


class Perplexity(evaluate.Metric):
    """`compute(nll=, tokens=)` → `{"loss": nats per token, "perplexity": exp(loss)}`.

    One entry a batch or document: `nll` the summed negative log-likelihood in nats, `tokens` how many
    tokens were predicted. Sums are weighted by tokens, so the result does not depend on the batching.
    A loss beyond 709 nats has infinite perplexity.
    """

    def _info(self) -> evaluate.MetricInfo:
        # No `format="numpy"`: that hands float64 columns over as float32 (datasets 5.0, evaluate 0.4).
        return evaluate.MetricInfo(
            description="Loss in nats per token and its exponential.",
            citation="",
            inputs_description="nll: summed negative log-likelihoods in nats; tokens: tokens predicted.",
            features=datasets.Features({"nll": datasets.Value("float64"), "tokens": datasets.Value("int64")}),
        )

    # `evaluate` calls this with the columns named in the features, by keyword.
    def _compute(  # pyright: ignore[reportIncompatibleMethodOverride]
        self, nll: list[float], tokens: list[int]
    ) -> dict[str, float]:
        loss = float(np.sum(nll) / np.sum(tokens))
        with np.errstate(over="ignore"):
            return {"loss": loss, "perplexity": float(np.exp(loss))}
