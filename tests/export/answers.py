"""What an exported model answers to texts of any lengths."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from export.session import OnnxModel, equal_length_batches


def predicted(
    model: OnnxModel, input_ids: Sequence[Sequence[int]], *, batch_size: int = 1
) -> list[NDArray[np.float32]]:
    """The logits of each text, (C,) or (L, V), in the order given; texts are never padded.

    Only texts of equal length share a batch, at most `batch_size` of them.
    """
    answers: dict[int, NDArray[np.float32]] = {}
    for indices, ids_BL in equal_length_batches(input_ids, batch_size=batch_size):
        answers.update(zip(indices, model.logits(ids_BL), strict=True))
    return [answers[index] for index in range(len(input_ids))]
