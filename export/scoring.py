"""Running every variant of one model over the scoring set, side by side.

Shape legend: N examples, B batch, L tokens, C classes, V vocabulary.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from errors import RunError
from export.session import equal_length_batches
from export.variants import Variant
from host.progress import OnProgress, silent

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from lightning_modules.text_model import TextModel

    Logits = NDArray[np.float32]

_BATCH_SIZE = 32
_TOKENS_PER_BATCH = 2048  # bounds the activations in memory
_LOGITS_PER_BATCH = 2**24  # 64 MiB of float32 per variant


@dataclass(frozen=True)
class LoadedVariant:
    """A variant, ready to answer.

    `logits` maps ids (B, L) without padding to (B, C) or (B, L, V).
    """

    variant: Variant
    path: Path
    logits: Callable[[NDArray[np.int64]], Logits]

    @property
    def name(self) -> str:
        return self.variant.name


@dataclass(frozen=True)
class Scores:
    """`metrics` by full name ("export/int8/accuracy"); `predictions` has one row per example."""

    metrics: dict[str, float]
    predictions: pd.DataFrame


def torch_logits(model: TextModel) -> Callable[[NDArray[np.int64]], Logits]:
    """`model` as a function of unpadded ids (B, L), in inference mode."""
    import torch

    def logits(ids_BL: NDArray[np.int64]) -> Logits:
        with torch.inference_mode():
            return model.logits(torch.from_numpy(ids_BL)).numpy()

    return logits


def side_by_side(
    variants: Sequence[LoadedVariant],
    input_ids: Sequence[Sequence[int]],
    *,
    logits_per_token: int,
    workers: int,
    on_progress: OnProgress,
) -> Iterator[tuple[list[int], NDArray[np.int64], Mapping[str, Logits]]]:
    """Batches of equal length, with each variant's finite logits: (positions, ids (B, L), logits by name).

    One batch at a time, so that a language model's logits never pile up; `workers` bounded calls
    at once. Raises RunError on a logit that is not finite.
    """
    longest = max(len(ids) for ids in input_ids)
    fitting = min(_TOKENS_PER_BATCH // longest, _LOGITS_PER_BATCH // (longest * logits_per_token))
    batch_size = max(1, min(_BATCH_SIZE, fitting))
    done = 0
    with ThreadPoolExecutor(workers) as pool:
        for indices, ids_BL in equal_length_batches(input_ids, batch_size=batch_size):
            by_name = {variant.name: _logits(variant, ids_BL, pool) for variant in variants}
            for variant in variants:
                _require_finite(by_name[variant.name], variant, indices)
            yield indices, ids_BL, by_name
            done += len(indices)
            on_progress("scoring the variants", done, len(input_ids))


def scored_alone(variant: LoadedVariant, input_ids: Sequence[Sequence[int]], *, workers: int) -> Logits:
    """A classifier's logits (N, C) for texts of any lengths."""
    batches = side_by_side([variant], input_ids, logits_per_token=1, workers=workers, on_progress=silent)
    found = [(indices, by_name[variant.name]) for indices, _, by_name in batches]
    order = np.concatenate([indices for indices, _ in found])
    return np.concatenate([logits for _, logits in found])[np.argsort(order)]


def _logits(variant: LoadedVariant, ids_BL: NDArray[np.int64], pool: ThreadPoolExecutor) -> Logits:
    """Of an export row by row, as a server of single texts asks, on as many threads as PyTorch has."""
    if not variant.variant.is_exported:
        return variant.logits(ids_BL)
    return np.concatenate(
        list(pool.map(lambda row: variant.logits(ids_BL[row : row + 1]), range(len(ids_BL))))
    )


def alike_in_company(variant: LoadedVariant, ids_BL: NDArray[np.int64], alone: Logits) -> int:
    """How many rows of a call answer, bit for bit, as they answered alone."""
    together = variant.logits(ids_BL)
    return int((together == alone).reshape(len(ids_BL), -1).all(axis=1).sum())


def _require_finite(logits: Logits, variant: LoadedVariant, indices: Sequence[int]) -> None:
    finite = np.isfinite(logits).reshape(len(indices), -1).all(axis=1)
    if not finite.all():
        example = indices[int(np.argmin(finite))]
        raise RunError(
            f"the {variant.name} model's logits are not finite for example {example}",
            where=str(variant.path),
            cure="The weights hold NaN, infinite or enormous values: look at the run's gradient norm, "
            "train again with a lower learning rate or stronger clipping, and export that.",
        )
