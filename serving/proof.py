"""The proof before the port opens: what is loaded answers as it did when it was exported, to the bit."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from errors import UserError
from export.golden import ClassifierAnswer, here
from export.text_ids import TextIds
from serving.bundle import Bundle

if TYPE_CHECKING:
    from numpy.typing import NDArray

Mode = Literal["strict", "warn"]
_LEAST_TOLERANCE = 1e-3
_NAMES = {"instruction_set": "instruction set", "onnxruntime": "onnxruntime", "tokenizers": "tokenizers"}


@dataclass(frozen=True)
class Proof:
    """What the golden answers showed.

    bit_equal: every logit is the recorded float. largest_difference: of a logit. warnings: a sentence for each
    condition that is not the one the bundle was measured under.
    """

    answers: int
    bit_equal: bool
    largest_difference: float
    warnings: tuple[str, ...]


def prove_classifier(
    bundle: Bundle, reader: TextIds, run: Callable[[NDArray[np.int64]], NDArray[np.float32]], mode: Mode
) -> Proof:
    """UserError, naming it, for a text that is read otherwise or answered otherwise than when it was exported.

    Under the recorded instruction set and libraries every bit must be equal. Under others a logit may lie as far from
    its golden one as the variant's lay from PyTorch's; `strict` refuses those conditions.
    """
    warnings = accepted_conditions(bundle, mode)
    allowed = 0.0 if not warnings else tolerance(bundle)
    largest = max(_difference(bundle, answer, reader, run, allowed) for answer in _answers(bundle))
    return Proof(len(bundle.golden.answers), largest == 0.0, largest, warnings)


def accepted_conditions(bundle: Bundle, mode: Mode) -> tuple[str, ...]:
    """What is to be warned of. UserError for `strict` where there is anything."""
    warnings = tuple(other_conditions(bundle))
    if warnings and mode == "strict":
        raise UserError(
            "; ".join(warnings), where=bundle.where, cure="Export it here, or serve with --proof warn."
        )
    return warnings


def tolerance(bundle: Bundle) -> float:
    """How far a logit may lie from its golden one under other conditions."""
    return max(_LEAST_TOLERANCE, bundle.about.figures.get("max_logit_difference", 0.0))


def _answers(bundle: Bundle) -> Iterator[ClassifierAnswer]:
    return (answer for answer in bundle.golden.answers if isinstance(answer, ClassifierAnswer))


def other_conditions(bundle: Bundle) -> Iterator[str]:
    """A sentence for each that is not the one that the bundle was measured under."""
    then, now = bundle.about.under.model_dump(), here().model_dump()
    for key, name in _NAMES.items():
        if then[key] != now[key]:
            yield f"its {name} was {then[key]:.80}, and here it is {now[key]:.80}"


def _difference(
    bundle: Bundle,
    answer: ClassifierAnswer,
    reader: TextIds,
    run: Callable[[NDArray[np.int64]], NDArray[np.float32]],
    allowed: float,
) -> float:
    assert bundle.about.labels is not None
    where, shown = bundle.where, f"{answer.text[:40]!r}"
    if reader.of(answer.text).ids != answer.ids:
        raise UserError(
            f"the tokenizer reads {shown} otherwise than when it was exported", where=where, cure=bundle.cure
        )
    logits_C = run(np.array([answer.ids], np.int64))[0]
    golden_C = np.array(answer.logits, np.float32)
    apart = float(np.abs(logits_C - golden_C).max()) if logits_C.shape == golden_C.shape else np.inf
    equal = logits_C.shape == golden_C.shape and logits_C.tobytes() == golden_C.tobytes()
    if not equal and not apart <= allowed:
        raise UserError(
            f"the model answers {shown} otherwise than when it was exported"
            f" (a logit lies {apart:.3g} apart, {allowed:.3g} allowed)",
            where=where,
            cure=bundle.cure,
        )
    if bundle.about.labels[int(golden_C.argmax())] != answer.label:
        raise UserError(
            f"the labels are swapped: that of {shown} was {answer.label!r:.40}", where=where, cure=bundle.cure
        )
    return 0.0 if equal else max(apart, float(np.finfo(np.float32).tiny))
