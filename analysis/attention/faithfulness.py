"""Whether the words that a method calls important are those that the answer rests on.

Comprehensiveness and sufficiency of DeYoung et al. 2020 (ERASER, arXiv 1911.03429), over the same shares of words.
Their formula divides by |B| + 1, with the empty selection counted; here the mean is over the |B| shares alone.

Legend: W words.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

SHARES = (0.01, 0.05, 0.10, 0.20, 0.50)
"""Of a text's words, rounded up."""


@dataclass(frozen=True)
class Faithfulness:
    """comprehensiveness: by how much the answer's probability falls without the important words; more is better.
    sufficiency: by how much it falls with these alone; less is better. Both the mean over `SHARES`."""

    comprehensiveness: float
    sufficiency: float


def important(values_W: NDArray[np.floating], own: Sequence[int]) -> list[tuple[int, ...]]:
    """For each share the most important of the words `own`, ascending; of equal ones the first."""
    order = sorted(own, key=lambda word: -float(values_W[word]))
    return [tuple(sorted(order[: math.ceil(share * len(own))])) for share in SHARES]


def faithfulness(whole: float, without: Sequence[float], alone: Sequence[float]) -> Faithfulness:
    """whole: the answer's probability. without, alone: for each share what it is without the important words, and with
    these alone."""
    assert len(without) == len(alone) == len(SHARES)
    return Faithfulness(
        math.fsum(whole - left for left in without) / len(SHARES),
        math.fsum(whole - kept for kept in alone) / len(SHARES),
    )
