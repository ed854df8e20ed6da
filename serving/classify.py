"""`POST /v1/classify`: texts in, labels with their probabilities out.

Shape legend: C classes.
"""

from __future__ import annotations

import asyncio
import json
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag
from starlette.responses import Response

from export.text_ids import Ids
from serving.alternatives import MANY, ONE, alternative
from serving.engine import Answered
from serving.limits import MOST_CHARACTERS, MOST_TEXTS
from serving.problems import RefusedError
from serving.service import ClassifierService
from serving.waiting import PROBLEMS, while_listened

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_SOMETHING = (
    r"[^\s\u0085\ufeff]"  # no white space, neither of Rust's expressions nor of ECMAScript's, as OpenAPI has
)
CLASSIFY = "/v1/classify"
_JSON = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False)
_LONG = 2_000  # characters; more are made into tokens beside the event loop, which they would hold up


Text = Annotated[str, Field(min_length=1, max_length=MOST_CHARACTERS, pattern=_SOMETHING)]
Texts = Annotated[list[Text], Field(min_length=1, max_length=MOST_TEXTS)]
OneOrMany = Annotated[Annotated[Text, Tag(ONE)] | Annotated[Texts, Tag(MANY)], Discriminator(alternative)]


class ClassifyRequest(BaseModel):
    """text: one, or a list that is answered in its order. truncate: whether a text beyond the model's most tokens is
    cut; else it is refused."""

    model_config = ConfigDict(extra="forbid", strict=True)
    text: OneOrMany
    truncate: bool = True


class ClassifyAnswer(BaseModel):
    """label: the likeliest. score: its probability. scores: of every label, by softmax. logits: the model's own,
    float32, in the order of the labels. tokens: that were read, special tokens included. truncated: whether the text
    went on."""

    label: str
    score: float
    scores: dict[str, float]
    logits: list[float]
    tokens: int
    truncated: bool
    run_id: str
    variant: str


class ClassifyAnswers(BaseModel):
    """Of a list of texts: of each what it would be answered alone."""

    answers: list[ClassifyAnswer]


def add_classify(router: APIRouter, service: ClassifierService) -> None:
    """The route, over `service`."""

    @router.post(
        CLASSIFY,
        response_model=ClassifyAnswer | ClassifyAnswers,
        responses=PROBLEMS,
        tags=["classify"],
    )
    async def classify(asked: ClassifyRequest, request: Request) -> Response:
        """Label one text or a list of them."""
        one = isinstance(asked.text, str)
        ids = await _ids(service, [asked.text] if isinstance(asked.text, str) else asked.text)
        if not asked.truncate:
            _refuse_cut(ids, service.about.max_tokens, one=one)
        found = await while_listened(request, service.answer([row.ids for row in ids]))
        bodies = [_body(service, row, logits_C) for row, logits_C in zip(ids, found.logits, strict=True)]
        content = bodies[0] if one else b'{"answers":[' + b",".join(bodies) + b"]}"
        return Response(content, headers={"server-timing": _timing(found)}, media_type="application/json")


async def _ids(service: ClassifierService, texts: list[str]) -> list[Ids]:
    if sum(map(len, texts)) > _LONG:
        return await asyncio.to_thread(service.reader.of_all, texts)
    return [service.reader.of(text) for text in texts]


def _refuse_cut(ids: list[Ids], most: int, *, one: bool) -> None:
    for number, row in enumerate(ids):
        if row.cut:
            raise RefusedError(
                422,
                "too_long",
                f"it has more than the {most} tokens that the model reads",
                field="text" if one else f"text.{number}",
                cure="Send a shorter text, or leave `truncate` out.",
            )


def _body(service: ClassifierService, ids: Ids, logits_C: NDArray[np.float32]) -> bytes:
    """Equal for equal texts: keys and labels in their order, every float with all its digits, no time."""
    about = service.about
    assert about.labels is not None
    logits = logits_C.tolist()
    scores = softmax(logits)
    best = logits.index(max(logits))
    answer = {
        "label": about.labels[best],
        "score": scores[best],
        "scores": dict(zip(about.labels, scores, strict=True)),
        "logits": logits,
        "tokens": len(ids.ids),
        "truncated": ids.cut,
        "run_id": about.run_id,
        "variant": about.variant,
    }
    return _JSON.encode(answer).encode()


def softmax(logits: Sequence[float]) -> list[float]:
    """Probabilities in float64, which sum to 1."""
    most = max(logits)
    powers = [math.exp(logit - most) for logit in logits]
    whole = math.fsum(powers)
    return [power / whole for power in powers]


def _timing(found: Answered) -> str:
    """Milliseconds, as `Server-Timing` has them."""
    return f"queue;dur={1e3 * found.waited_s:.3f}, model;dur={1e3 * found.took_s:.3f}"
