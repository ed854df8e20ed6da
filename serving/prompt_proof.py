"""The proof of a language model: it goes on with the golden prompts as it did when it was exported, all side by side.

Shape legend: V vocabulary.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from errors import UserError
from export.decoding_rows import DecodingModel
from export.golden import PromptAnswer
from export.streams import Streams
from export.text_ids import TextIds
from serving.bundle import Bundle
from serving.proof import Mode, Proof, accepted_conditions, other_conditions, tolerance

if TYPE_CHECKING:
    from export.decoding_rows import Logits


@dataclass(frozen=True)
class Opened:
    """A bundle's language model. end: the token that opens and ends a text."""

    model: DecodingModel
    reader: TextIds
    end: int


def open_writer(bundle: Bundle, *, threads: int) -> Opened:
    """Rows share a call only where they were measured not to depend on each other, under the conditions of here.

    UserError for a model that cannot decode, and for an end of a text that the tokenizer does not know.
    """
    assert bundle.about.end_of_text is not None
    reader = TextIds(bundle.folder, limit=None)
    measured_here = bundle.about.batch_invariant and not any(other_conditions(bundle))
    model = DecodingModel(bundle.folder, threads=threads, rows_apart=not measured_here)
    return Opened(model, reader, reader.id_of(bundle.about.end_of_text))


def prove_prompts(bundle: Bundle, opened: Opened, mode: Mode) -> Proof:
    """UserError, naming it, for a prompt that is read otherwise or gone on with otherwise than when it was exported.

    Under the recorded conditions all logits after a prompt must be the recorded bits, and the next tokens the recorded
    ones. Under others a logit may lie as far from its golden one as the variant's lay from PyTorch's, and the tokens,
    of which two may be nearly as likely, are not compared; `strict` refuses those conditions.
    """
    warnings = accepted_conditions(bundle, mode)
    allowed = 0.0 if not warnings else tolerance(bundle)
    answers = list(_answers(bundle))
    streams = Streams(opened.model, most=len(answers))
    joined: dict[int, PromptAnswer] = {}
    apart = [0.0]
    for answer in answers:
        _check_read(bundle, answer, opened)
        stream, logits_V = streams.join(answer.ids)
        joined[stream] = answer
        apart.append(_difference(bundle, answer, logits_V, allowed))
    if not warnings:
        _check_continued(bundle, streams, joined)
    return Proof(len(answers), max(apart) == 0.0, max(apart), warnings)


def _answers(bundle: Bundle) -> Iterator[PromptAnswer]:
    return (answer for answer in bundle.golden.answers if isinstance(answer, PromptAnswer))


def _check_read(bundle: Bundle, answer: PromptAnswer, opened: Opened) -> None:
    if [opened.end, *opened.reader.of(answer.text, ends=False).ids] != answer.ids:
        raise _otherwise(bundle, f"the tokenizer reads {_shown(answer)} otherwise")
    known = opened.model.vocabulary
    if len(answer.ids) >= opened.model.context_tokens or max(answer.ids + answer.next_ids) >= known:
        raise _otherwise(bundle, f"the model cannot have read {_shown(answer)} as it is")


def _difference(bundle: Bundle, answer: PromptAnswer, logits_V: Logits, allowed: float) -> float:
    """How far the farthest of the likeliest tokens' logits lies from its golden one."""
    golden = np.array(answer.logits, np.float32)
    kept = logits_V[answer.next_ids]
    apart = float(np.abs(kept - golden).max()) if kept.shape == golden.shape else np.inf
    if hashlib.sha256(logits_V.astype("<f4").tobytes()).hexdigest() == answer.logits_digest and apart == 0.0:
        return 0.0
    if allowed == 0.0 or not apart <= allowed:
        raise _otherwise(
            bundle,
            f"the model goes on with {_shown(answer)} otherwise",
            f" (a logit lies {apart:.3g} apart, {allowed:.3g} allowed)",
        )
    return max(apart, float(np.finfo(np.float32).tiny))


def _check_continued(bundle: Bundle, streams: Streams, joined: dict[int, PromptAnswer]) -> None:
    """Each with its recorded tokens, of which the next must be the likeliest each time; whoever is through leaves."""
    for place in range(max(len(answer.greedy) for answer in joined.values())):
        for stream in [name for name, answer in joined.items() if len(answer.greedy) <= place + 1]:
            streams.leave(stream)
            del joined[stream]
        if not joined:
            return
        read = {stream: answer.greedy[place] for stream, answer in joined.items()}
        for stream, logits_V in streams.step(read).items():
            if int(logits_V.argmax()) != joined[stream].greedy[place + 1]:
                raise _otherwise(bundle, f"the model goes on with {_shown(joined[stream])} otherwise")


def _otherwise(bundle: Bundle, what: str, more: str = "") -> UserError:
    return UserError(f"{what} than when it was exported{more}", where=bundle.where, cure=bundle.cure)


def _shown(answer: PromptAnswer) -> str:
    return f"{answer.text[:40]!r}"
