"""Several questions asked at once."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def holm(p_values: Sequence[float]) -> list[float]:
    """Each p-value as if it had been asked alone: some is below alpha by chance at most as often as alpha.

    A simple sequentially rejective multiple test procedure (Holm, Scandinavian Journal of Statistics 6, 1979, 65-70);
    holds however the questions depend on one another.
    """
    asked = np.asarray(p_values, np.float64)
    order = np.argsort(asked, kind="stable")
    adjusted = np.empty(len(asked))
    adjusted[order] = np.maximum.accumulate(asked[order] * np.arange(len(asked), 0, -1))
    return [float(p) for p in np.minimum(1.0, adjusted)]
