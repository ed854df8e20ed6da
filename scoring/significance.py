"""Whether a difference between two models is more than chance."""

from __future__ import annotations


def mcnemar_test(lost: int, won: int) -> float:
    """Two-sided exact p-value that answers lost and won are equally likely (McNemar, Psychometrika 12, 1947).

    872 examples near 90 % have a standard error of one point, so a drop is judged in pairs. 1.0 where nothing changed.
    """
    from scipy.stats import binomtest

    return float(binomtest(lost, lost + won).pvalue) if lost + won else 1.0
