"""What an export is asked to do: the examples to score, the limits of the gate."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from errors import UserError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


ROUNDING = 1e-9  # a drop of exactly the limit passes, also where 0.885 - 0.88 is not quite 0.005


@dataclass(frozen=True)
class ScoringSet:
    """The official validation split, tokenized; every example of it is scored, so its size sets the cost.

    `input_ids` is ragged, N sequences of token ids. `labels` has shape (N,) for classification and
    is None for language models, which are scored on their own next token.
    """

    input_ids: Sequence[Sequence[int]]
    labels: NDArray[np.int64] | None
    pad_token_id: int


@dataclass(frozen=True)
class ExportOptions:
    """How the export is measured and what fails its gate.

    threads: intra-op threads of every ONNX session and of PyTorch while latency is measured.
    max_accuracy_drop: a share; INT8 accuracy may lie at most this far below FP32 accuracy.
    max_loss_increase: nats/token, absolute, for language models; 0.05 is 5 % more perplexity,
        whatever the vocabulary.
    latency_tokens: length of each latency input; None takes the median length of the scoring set
        (for language models at most 32, since their logits hold batch x tokens x vocabulary floats).
    latency_repeats: timed calls at batch 1; larger batches get fewer, see `latency.repeats_for`.
    max_parity_difference: largest |logit difference| of the FP32 ONNX model from PyTorch.
    """

    threads: int = 1
    max_accuracy_drop: float = 0.005
    max_loss_increase: float = 0.05
    latency_batches: tuple[int, ...] = (1, 32)
    latency_tokens: int | None = None
    latency_repeats: int = 50
    max_parity_difference: float = 1e-3

    def __post_init__(self) -> None:
        counts = (self.threads, self.latency_repeats, *self.latency_batches)
        if min(counts) < 1 or (self.latency_tokens is not None and self.latency_tokens < 1):
            raise UserError(
                "threads, latency_batches, latency_tokens and latency_repeats count from 1",
                where="export options",
                cure="Give positive whole numbers.",
            )
