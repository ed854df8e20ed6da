"""Integrated gradients of an answer over the word embeddings of a text (Sundararajan et al. 2017, arXiv 1703.01365).

Legend: B batch, T tokens, E width of the word embeddings, L outputs.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from torch import Tensor

    from lightning_modules.attention import Attending

_STEPS = (32, 64)  # along the way from the baseline, until the sum is near enough
_NEAR = 0.02  # of f(x) - f(baseline)
_TOKENS_AT_ONCE = 2048


@dataclass(frozen=True)
class Attribution:
    """values_T: what each token adds. reached: their sum. difference: f(x) - f(baseline), which it should be.
    seconds: that it took."""

    values_T: NDArray[np.float64]
    reached: float
    difference: float
    steps: int
    seconds: float

    @property
    def is_near(self) -> bool:
        return abs(self.reached - self.difference) <= _NEAR * abs(self.difference)


def integrated_gradients(
    network: Attending, ids: Sequence[int], baseline: Sequence[int], answer: Callable[[Tensor], Tensor]
) -> Attribution:
    """answer: from logits, (B, L) or (B, T, L), the number (B,) that is explained. baseline: as many ids as `ids`.

    By captum. Where 32 steps of Gauss and Legendre do not sum up to within 2 %, there are 64.
    """
    import torch
    from captum.attr import IntegratedGradients

    from lightning_modules.attention import run, visible

    seen_BTT = visible([len(ids)], causal=network.causal)

    def forward(words_BTE: Tensor) -> Tensor:
        return answer(run(network, network.begun(words_BTE), seen_BTT)[0])

    with torch.no_grad():
        words_BTE, other_BTE = (network.words(torch.tensor([list(row)])) for row in (ids, baseline))
        difference = float((forward(words_BTE) - forward(other_BTE)).item())
    method, at_once = IntegratedGradients(forward), max(1, _TOKENS_AT_ONCE // len(ids))

    begun = time.perf_counter()

    def reached(steps: int) -> Attribution:
        found = method.attribute(words_BTE, other_BTE, n_steps=steps, internal_batch_size=at_once)
        values_T = found[0].sum(-1).double().numpy()
        return Attribution(values_T, float(values_T.sum()), difference, steps, time.perf_counter() - begun)

    tries = (reached(steps) for steps in _STEPS)
    return next(one for one in tries if one.is_near or one.steps == _STEPS[-1])
