"""What a head looks at, in a few figures for each text.

Legend: H heads (any axes may stand before), T tokens; causal or not.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.floating]


@dataclass(frozen=True)
class HeadFigures:
    """Each (…, H), the mean over a text's tokens.

    entropy: in nats. distance: in tokens. first, last: the share on the text's first and last token. before, itself,
    after: on the token before, on itself, on the one after.
    """

    entropy: Floats
    distance: Floats
    first: Floats
    last: Floats
    before: Floats
    itself: Floats
    after: Floats


NAMES: Sequence[str] = tuple(HeadFigures.__dataclass_fields__)


def head_figures(weights_HTT: Floats) -> HeadFigures:
    """Of the weights (…, H, T, T) of one text, without padding."""
    tokens = weights_HTT.shape[-1]
    at = np.arange(tokens)
    away_TT = np.abs(at[:, None] - at[None])
    logs = np.log(np.where(weights_HTT > 0, weights_HTT, 1.0))

    def diagonal(offset: int) -> Floats:
        return np.diagonal(weights_HTT, offset, -2, -1).sum(-1) / tokens

    return HeadFigures(
        entropy=-(weights_HTT * logs).sum(-1).mean(-1),
        distance=(weights_HTT * away_TT).sum(-1).mean(-1),
        first=weights_HTT[..., 0].mean(-1),
        last=weights_HTT[..., -1].mean(-1),
        before=diagonal(-1),
        itself=diagonal(0),
        after=diagonal(1),
    )
