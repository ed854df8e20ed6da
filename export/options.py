"""What an export is asked to do: the examples to score, the limits of the gate."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from datamodules.cut import TextLimit
from errors import UserError
from export.variants import USUAL, VariantName
from schema.strict import Strict

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


_MOST_ROWS = 1_000_000_000
_CALIBRATION_TEXTS = 512
FLOAT32_NODES = "export/float32_nodes"
"""The condition of an export that names, between blanks, the nodes which its quantized variants were told to leave."""
LIMIT = "export/limit"
"""The condition that says how much quality its gate allowed to be lost, in the unit of the task's limit."""
ROUNDING = 1e-9  # a drop of exactly the limit passes, also where 0.885 - 0.88 is not quite 0.005


class ExportConfig(Strict):
    """The ONNX variants of a finished run."""

    when: Literal["finished", "best", "never"] = "finished"
    """After every finished run; only for the best run of a sweep; never."""
    variants: tuple[VariantName, ...] = Field(default=USUAL, min_length=1, strict=False)
    """Which forms: fp32, int8, and of classifiers int8-rows, int8-static, int4. FP32 is always among them."""
    float32_nodes: tuple[str, ...] = Field(default=(), strict=False)
    """Names of nodes that a classifier's quantized variants leave in float32; `encore export ID --explain int8` lists
    them."""
    threads: int = Field(default=1, ge=1, le=1024)
    """Of onnxruntime when latency is measured."""
    latency_seconds: float = Field(default=0.5, ge=0, le=60)
    """For each form at each of six shapes of the table of latencies; 0: no such table, and no peak memory."""
    scored_examples: int = Field(default=2000, ge=1, le=_MOST_ROWS)
    """Rows of the official split that the variants are scored on, drawn with a fixed seed; all if fewer."""
    max_accuracy_drop: float = Field(default=0.005, ge=0, le=1)
    """Gate of classifiers: INT8 accuracy may fall so much below FP32, as a share."""
    max_loss_increase: float = Field(default=0.05, ge=0, le=1e6)
    """Gate of language models: INT8 loss may rise so much above FP32, nats/token; 0.05 is 5 % more perplexity, whatever
    the vocabulary."""


@dataclass(frozen=True)
class GoldenTexts:
    """Texts of the official split whose answers are kept.

    ids: as the training reads each, where a text is scored whole; tokenizer.json must read it so. limit: how a text
    is cut.
    """

    texts: Sequence[str]
    ids: Sequence[Sequence[int]] | None
    limit: TextLimit


@dataclass(frozen=True)
class ScoringSet:
    """The official validation split, tokenized; every example of it is scored, so its size sets the cost.

    `input_ids` is ragged, N sequences of token ids. `labels` has shape (N,) for classification and
    is None for language models, which are scored on their own next token. `golden`: the texts whose answers are kept
    beside each variant; none: none are. `calibration_ids`: texts of train, on which the activations of quantized
    variants are measured.
    """

    input_ids: Sequence[Sequence[int]]
    labels: NDArray[np.int64] | None
    pad_token_id: int
    golden: GoldenTexts | None = None
    calibration_ids: Sequence[Sequence[int]] = ()


def calibration_rows(total: int) -> NDArray[np.int64]:
    """Which of the `total` rows of train the activations are measured on, ascending: all, or a seeded draw of 512."""
    return scored_rows(total, _CALIBRATION_TEXTS)


def scored_rows(total: int, examples: int) -> NDArray[np.int64]:
    """Which of the `total` rows of the official split an export is scored on, ascending: all, or a seeded draw."""
    import numpy as np

    rows = np.arange(total)
    if total <= examples:
        return rows
    return np.sort(np.random.Generator(np.random.PCG64(0)).permutation(rows)[:examples])


@dataclass(frozen=True)
class ExportOptions:
    """How the export is measured and what fails its gate.

    asked: by the experiment; its threads are those of every ONNX session, and of PyTorch while latency is measured.
    latency_tokens: length of each latency input; None takes the median length of the scoring set
        (for language models at most 32, since their logits hold batch x tokens x vocabulary floats).
    latency_repeats: timed calls at batch 1; larger batches get fewer, see `latency.repeats_for`.
    max_parity_difference: largest |logit difference| of the FP32 ONNX model from PyTorch.
    """

    asked: ExportConfig = field(default_factory=ExportConfig)
    latency_batches: tuple[int, ...] = (1, 32)
    latency_tokens: int | None = None
    latency_repeats: int = 50
    max_parity_difference: float = 1e-3

    def __post_init__(self) -> None:
        counts = (self.latency_repeats, *self.latency_batches)
        if min(counts) < 1 or (self.latency_tokens is not None and self.latency_tokens < 1):
            raise UserError(
                "latency_batches, latency_tokens and latency_repeats count from 1",
                where="export options",
                cure="Give positive whole numbers.",
            )
