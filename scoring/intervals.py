"""How sure a share is."""

from __future__ import annotations


def wilson_interval(hits: int, total: int, confidence: float = 0.95) -> tuple[float, float]:
    """Score interval of a share (Wilson, JASA 22, 1927, 209-212), which stays inside 0 to 1 and holds the share."""
    from scipy.stats import binomtest

    found = binomtest(hits, total).proportion_ci(confidence_level=confidence, method="wilson")
    share = hits / total  # at 0 and 1 one bound equals it; rounding must not push it to the wrong side
    return max(0.0, min(share, float(found.low))), min(1.0, max(share, float(found.high)))
