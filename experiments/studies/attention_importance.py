"""How much each word of a text counts for a model's answer, by several methods that need not agree.

Legend: R layers, H heads, T tokens, W words, L outputs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from analysis.attention.flow import mixed_norms, rollout, shares
from analysis.attention.words import summed

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from torch import Tensor

    from analysis.attention.gradients import Attribution
    from experiments.studies.attention_model import Attended, AttentionModel, Read

GRADIENTS, ATTENTION, NORMS = "integrated gradients", "attention", "attention x norm"
ROLLOUT, LEFT_OUT, RANDOM = "rollout", "leave one out", "random"
METHODS = (GRADIENTS, ATTENTION, NORMS, ROLLOUT, LEFT_OUT, RANDOM)


@dataclass(frozen=True)
class Answer:
    """number: of the likeliest label, or of the likeliest next token. probability: by softmax."""

    number: int
    probability: float


@dataclass(frozen=True)
class Importance:
    """words_W: by each method but `RANDOM`, of all words, special tokens among them."""

    words_W: Mapping[str, NDArray[np.float64]]
    gradients: Attribution


def answer_of(attended: Attended) -> Answer:
    number = int(attended.logits_L.argmax())
    return Answer(number, float(probabilities(attended.logits_L[None])[0, number]))


def probabilities(logits_BL: NDArray[np.float32]) -> NDArray[np.float64]:
    """By softmax, in double precision."""
    import numpy as np

    powers = np.exp(logits_BL.astype(np.float64) - logits_BL.max(-1, keepdims=True))
    return powers / powers.sum(-1, keepdims=True)


def importance(model: AttentionModel, read: Read, attended: Attended, answer: Answer) -> Importance:
    """Of every word for `answer`. Attention of any kind is read where the answer is: the last layer's, its heads
    together, or all layers' by rollout."""
    from analysis.attention.gradients import integrated_gradients

    out_HKD = model.outs()[-1]
    weights_TT = attended.weights_RHTT[-1].mean(0)
    norms_TT = shares(mixed_norms(attended.weights_RHTT[-1], attended.values_RHTK[-1], out_HKD))
    flow_TT = rollout(attended.weights_RHTT)[-1]
    rows = {ATTENTION: weights_TT, NORMS: norms_TT, ROLLOUT: flow_TT}

    def explained(logits: Tensor) -> Tensor:
        return logits[:, -1, answer.number] if model.writes else logits[:, answer.number]

    gradients = integrated_gradients(model.network, read.ids, model.baseline(read), explained)
    of_words = {name: summed(matrix_TT[model.at], read.words) for name, matrix_TT in rows.items()}
    of_words[GRADIENTS] = summed(gradients.values_T, read.words)
    of_words[LEFT_OUT] = _left_out(model, read, answer)
    return Importance(of_words, gradients)


def without(read: Read, words: Sequence[int]) -> list[int]:
    """The ids that are left when these words are taken out."""
    gone = set(words)
    return [number for number, word in zip(read.ids, read.words, strict=True) if word not in gone]


def _left_out(model: AttentionModel, read: Read, answer: Answer) -> NDArray[np.float64]:
    """By how much the answer's probability falls without each word; 0 for special tokens, which stay."""
    import numpy as np

    own = read.own_words
    found = probabilities(model.logits([without(read, [word]) for word in own]))[:, answer.number]
    falls_W = np.zeros(read.words[-1] + 1)
    falls_W[own] = answer.probability - found
    return falls_W
