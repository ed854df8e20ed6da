"""What attention carries: weight by the norm of what is carried, and the flow through all layers.

Legend: R layers, H heads, T tokens, K width of a head, D width of the hidden states.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.floating]


def value_norms(values_HTK: Floats, out_HKD: Floats) -> Floats:
    """(H, T): how long each token's value is once a head has carried it into the hidden states.

    ‖f(x)‖ of Kobayashi et al. 2020 (arXiv 2004.10102): a weight moves nothing where this is near 0, as at [SEP].
    """
    return np.linalg.norm(values_HTK @ out_HKD, axis=-1)


def mixed_norms(weights_HTT: Floats, values_HTK: Floats, out_HKD: Floats) -> Floats:
    """(T, T): how long the vector is that a layer, all heads together, carries from a token (column) to another (row).

    The norm of the sum over heads of weight times f(x), of the same paper: what heads carry against each other
    cancels out.
    """
    carried_HTD = values_HTK @ out_HKD
    products_HHT = np.einsum("htd,gtd->hgt", carried_HTD, carried_HTD)
    squares_TT = np.einsum("hij,gij,hgj->ij", weights_HTT, weights_HTT, products_HHT, optimize=True)
    return np.sqrt(np.maximum(squares_TT, 0.0))


def shares(values_TT: Floats) -> Floats:
    """Rows (…, T, T) that sum to 1; a row of zeros stays."""
    sums = values_TT.sum(-1, keepdims=True)
    return values_TT / np.where(sums > 0, sums, 1.0)


def rollout(weights_RHTT: Floats) -> Floats:
    """(R, T, T): from which tokens (columns) what stands at a token (row) after each layer has come.

    Abnar & Zuidema 2020 (arXiv 2005.00928): the mean over heads, half of it the residual connection, multiplied
    through the layers.
    """
    tokens = weights_RHTT.shape[-1]
    found = np.eye(tokens)
    flows: list[Floats] = []
    for weights_HTT in weights_RHTT:
        found = shares(0.5 * weights_HTT.mean(0) + 0.5 * np.eye(tokens)) @ found
        flows.append(found)
    return np.stack(flows)
