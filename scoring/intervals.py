"""How sure a share is."""

from __future__ import annotations

import math


def wilson_interval(hits: int, total: int, confidence: float = 0.95) -> tuple[float, float]:
    """Score interval of a share (Wilson, JASA 22, 1927, 209-212), which stays inside 0 to 1 and holds the share."""
    from scipy.special import ndtri

    share, reach = hits / total, float(ndtri(0.5 + confidence / 2))
    weight = 1 + reach**2 / total
    middle = (share + reach**2 / (2 * total)) / weight
    half = reach * math.sqrt(share * (1 - share) / total + (reach / (2 * total)) ** 2) / weight
    # At 0 and 1 one bound equals the share; rounding must not push it to the wrong side.
    return max(0.0, min(share, middle - half)), min(1.0, max(share, middle + half))
