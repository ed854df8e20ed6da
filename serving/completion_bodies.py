"""The bodies of `POST /v1/completions`, whole and in events. Equal for equal requests: no time, nothing drawn but the
text."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from typing import Any, Literal

from pydantic import BaseModel

from serving.asking import CompletionRequest
from serving.service import WriterService

_ID = 24  # hexadecimal digits
Why = Literal["stop", "length"]


class Choice(BaseModel):
    """finish_reason: `stop`: the text came to its end, or to a stop string; `length`: to its limit."""

    index: int
    text: str
    logprobs: None
    finish_reason: Why | None


class Usage(BaseModel):
    """Tokens of the prompts, and that were drawn, ends included."""

    prompt_tokens: int
    completion_tokens: int
    total_tokens: int

    @classmethod
    def of(cls, prompt: int, completion: int) -> Usage:
        return cls(prompt_tokens=prompt, completion_tokens=completion, total_tokens=prompt + completion)


class Completion(BaseModel):
    """id: a digest of the request and the model. created: always 0. system_fingerprint: of all that decides the text
    but for the request."""

    id: str
    object: Literal["text_completion"] = "text_completion"
    created: int = 0
    model: str
    system_fingerprint: str
    choices: list[Choice]
    usage: Usage | None = None


class Bodies:
    """Of one request."""

    def __init__(self, service: WriterService, asked: CompletionRequest) -> None:
        digest = hashlib.sha256(f"{service.fingerprint}\n{json.dumps(asked.meaning())}".encode()).hexdigest()
        self._head: dict[str, Any] = {
            "id": f"cmpl-{digest[:_ID]}",
            "object": "text_completion",
            "created": 0,
            "model": service.model_id,
            "system_fingerprint": service.fingerprint,
        }
        counts = asked.stream_options is not None and asked.stream_options.include_usage
        self._of_event = {"usage": None} if counts else {}
        self.counts_in_stream = counts

    def whole(self, texts: Sequence[tuple[str, Why]], usage: Usage) -> bytes:
        """Of all choices, in order."""
        choices = [_choice(index, text, why) for index, (text, why) in enumerate(texts)]
        return _json({**self._head, "choices": choices, "usage": usage.model_dump()})

    def part(self, index: int, text: str, why: Why | None) -> bytes:
        """What is added to one choice."""
        return _json({**self._head, "choices": [_choice(index, text, why)], **self._of_event})

    def counted(self, usage: Usage) -> bytes:
        """The last event before the end."""
        return _json({**self._head, "choices": [], "usage": usage.model_dump()})


def _choice(index: int, text: str, why: Why | None) -> dict[str, Any]:
    return {"index": index, "text": text, "logprobs": None, "finish_reason": why}


def _json(content: dict[str, Any]) -> bytes:
    return json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()
