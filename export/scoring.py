"""Running every variant of one model over the scoring set, side by side.

Shape legend: N examples, B batch, L tokens, C classes, V vocabulary.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from errors import UserError
from export.session import equal_length_batches

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray
    from transformers import PreTrainedModel

    Logits = NDArray[np.float32]

_BATCH_SIZE = 32
_TOKENS_PER_BATCH = 2048  # bounds the activations in memory
_LOGITS_PER_BATCH = 2**24  # 64 MiB of float32 per variant


@dataclass(frozen=True)
class Variant:
    """One form of the model: "torch", "fp32" or "int8".

    `logits` maps ids (B, L) without padding to (B, C) or (B, L, V). `asked_singly` variants get
    every text alone, as a server of single texts would ask: dynamic INT8 scales activations over
    the batch, so its answer to a text depends on the others in the batch.
    """

    name: str
    path: Path
    logits: Callable[[NDArray[np.int64]], Logits]
    asked_singly: bool = False


@dataclass(frozen=True)
class Scores:
    """`metrics` by full name ("export/int8/accuracy"); `predictions` has one row per example."""

    metrics: dict[str, float]
    predictions: pd.DataFrame


def torch_logits(model: PreTrainedModel) -> Callable[[NDArray[np.int64]], Logits]:
    """`model` as a function of unpadded ids (B, L), in inference mode."""
    import torch

    def logits(ids_BL: NDArray[np.int64]) -> Logits:
        ids = torch.from_numpy(ids_BL)
        with torch.inference_mode():
            return model(input_ids=ids, attention_mask=torch.ones_like(ids)).logits.numpy()

    return logits


def side_by_side(
    variants: Sequence[Variant],
    input_ids: Sequence[Sequence[int]],
    *,
    logits_per_token: int,
    on_progress: Callable[[str], None],
) -> Iterator[tuple[list[int], NDArray[np.int64], Mapping[str, Logits]]]:
    """Batches of equal length, with each variant's finite logits: (positions, ids (B, L), logits by name).

    One batch at a time, so that a language model's logits never pile up. Raises UserError on a
    logit that is not finite.
    """
    longest = max(len(ids) for ids in input_ids)
    fitting = min(_TOKENS_PER_BATCH // longest, _LOGITS_PER_BATCH // (longest * logits_per_token))
    batch_size = max(1, min(_BATCH_SIZE, fitting))
    done = 0
    for indices, ids_BL in equal_length_batches(input_ids, batch_size=batch_size):
        yield (
            indices,
            ids_BL,
            {variant.name: _finite_logits(variant, ids_BL, indices) for variant in variants},
        )
        done += len(indices)
        on_progress(f"scored {done} of {len(input_ids)} examples")


def _finite_logits(variant: Variant, ids_BL: NDArray[np.int64], indices: Sequence[int]) -> Logits:
    if variant.asked_singly:
        logits = np.concatenate([variant.logits(ids_BL[row : row + 1]) for row in range(len(ids_BL))])
    else:
        logits = variant.logits(ids_BL)
    finite = np.isfinite(logits).reshape(len(indices), -1).all(axis=1)
    if not finite.all():
        example = indices[int(np.argmin(finite))]
        raise UserError(
            f"the {variant.name} model's logits are not finite for example {example}",
            where=str(variant.path),
            cure="The weights hold NaN, infinite or enormous values: look at the run's gradient norm, "
            "train again with a lower learning rate or stronger clipping, and export that.",
        )
    return logits
