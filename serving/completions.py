"""`POST /v1/completions`: beginnings in, stories out, whole or token by token."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from typing import Any

from fastapi import APIRouter, Request
from fastapi.sse import EventSourceResponse, format_sse_event
from starlette.responses import Response
from starlette.types import Message, Receive, Scope, Send

from generation.prompts import unread
from generation.sampling import Draft
from serving.asking import CompletionRequest
from serving.completion_bodies import Bodies, Completion, Usage, Why
from serving.limits import LONGEST_STORY_S
from serving.problems import RefusedError
from serving.service import WriterService
from serving.story import Piece, Story
from serving.waiting import PROBLEMS, refused, while_listened
from serving.writing import Telling

COMPLETIONS = "/v1/completions"
_LONG = 2_000  # characters; more are made into tokens beside the event loop, which they would hold up
_DONE = "[DONE]"
_EVENT = {"type": "object", "properties": {"data": {"type": "string"}}, "required": ["data"]}
_EVENTS: dict[int | str, dict[str, Any]] = {
    200: {
        "model": Completion,
        "description": "A whole completion, or with `stream` events of parts of it, the last of them [DONE].",
        # Of each event, whose data is JSON or [DONE].
        "content": {"text/event-stream": {"schema": _EVENT}},
    },
    404: PROBLEMS[422],
}


def add_completions(router: APIRouter, service: WriterService) -> None:
    """The route, over `service`."""

    @router.post(COMPLETIONS, responses=PROBLEMS | _EVENTS, tags=["completions"])
    async def completions(asked: CompletionRequest, request: Request) -> Response:
        """Go on with one text or with a list of them."""
        _check(service, asked)
        work = _Work(service, asked, await _ids(service, asked))
        try:
            first = await while_listened(request, work.first())
            if asked.stream:
                return work.events(first)
            return await while_listened(request, work.whole(first))
        except BaseException:
            work.give_up()
            raise


def _check(service: WriterService, asked: CompletionRequest) -> None:
    """RefusedError for what no field alone can say."""
    if asked.model not in (None, service.model_id):
        raise RefusedError(
            404, "model_not_found", "it is not served here", field="model", cure="GET /v1/models names it."
        )
    if len(asked.prompts()) * asked.each() > service.most()["stories"]:
        raise RefusedError(
            422,
            "too_many",
            "prompts times n are more texts than one request may ask for",
            field="n",
            cure=f"Ask for at most {service.most()['stories']:.0f} at once.",
        )
    if asked.stream_options is not None and not asked.stream:
        raise RefusedError(
            422,
            "invalid_request",
            "it is of a stream",
            field="stream_options",
            cure="Leave it out, or set stream.",
        )


async def _ids(service: WriterService, asked: CompletionRequest) -> list[list[int]]:
    """Of each prompt. RefusedError for one that cannot be read or gone on with."""
    prompts = asked.prompts()
    where = ["prompt"] if isinstance(asked.prompt, str) else [f"prompt.{n}" for n in range(len(prompts))]

    def read() -> list[list[int]]:
        return [_read(service, asked, prompt, field) for prompt, field in zip(prompts, where, strict=True)]

    return await asyncio.to_thread(read) if sum(map(len, prompts)) > _LONG else read()


def _read(service: WriterService, asked: CompletionRequest, prompt: str, field: str) -> list[int]:
    end, context = service.about.end_of_text, service.context_tokens
    assert end is not None
    ids = service.reader.of(prompt, ends=False).ids
    if end in prompt or service.end in ids:
        raise _unfit(f"it holds {end}, the end of a text", field, "Take it out.")
    unknown = service.reader.unknown
    if unread(prompt, ids, service.reader.spans(prompt), unknown=unknown) is not None:
        raise _unfit("the model's vocabulary has no token for a part of it", field, "Take it out.")
    if len(ids) >= context:
        raise _unfit(
            f"it has {len(ids)} tokens, and the model's context holds {context} with the text's end",
            field,
            "Give a shorter one.",
        )
    if asked.max_tokens is not None and len(ids) + asked.max_tokens > context:
        raise _unfit(
            f"with the prompt's {len(ids)} tokens it goes beyond the model's context of {context}",
            "max_tokens",
            f"Ask for at most {context - len(ids)}, or leave it out.",
        )
    return ids


def _unfit(message: str, field: str, cure: str) -> RefusedError:
    return RefusedError(422, "invalid_request", message, field=field, cure=cure)


class _Work:
    """One request: its stories, `asked.each()` of each prompt, while they are written."""

    def __init__(
        self, service: WriterService, asked: CompletionRequest, ids: Sequence[Sequence[int]]
    ) -> None:
        self._service, self._asked = service, asked
        self._bodies = Bodies(service, asked)
        of_each = [
            (prompt, row)
            for prompt, row in zip(asked.prompts(), ids, strict=True)
            for _ in range(asked.each())
        ]
        self._echoed = [prompt if asked.echo else "" for prompt, _ in of_each]
        self._prompt_tokens = sum(map(len, ids))
        longest = [
            service.context_tokens if asked.max_tokens is None else len(row) + asked.max_tokens
            for _, row in of_each
        ]
        stories = [
            Story(
                Draft(row, (asked.first_seed(), k), end=service.end, max_length=most, **asked.options()),
                service.reader.text_of,
                asked.stops(),
            )
            for k, ((_, row), most) in enumerate(zip(of_each, longest, strict=True))
        ]
        try:
            self._tellings = service.begin(stories, [most + 1 for most in longest])
        except Exception as error:
            raise refused(error) from error

    def give_up(self) -> None:
        self._service.give_up(self._tellings)

    async def first(self) -> Piece:
        """Of the first choice: until it comes, there is time to refuse."""
        return await self._tellings[0].next()

    async def whole(self, first: Piece) -> Response:
        texts = [await _text(self._tellings[0], first)]
        texts += [await _text(telling, await telling.next()) for telling in self._tellings[1:]]
        said: list[tuple[str, Why]] = [
            (echoed + text, why) for echoed, (text, why) in zip(self._echoed, texts, strict=True)
        ]
        self.give_up()
        return Response(
            self._bodies.whole(said, self._usage()),
            headers={"server-timing": self._timing()},
            media_type="application/json",
        )

    def events(self, first: Piece) -> Response:
        headers = {"server-timing": self._timing(), "x-accel-buffering": "no"}
        return _Events(self._said(first), self, headers=headers)

    async def _said(self, first: Piece) -> AsyncGenerator[bytes]:
        try:
            async for part in self._parts(first):
                yield _event(part)
        except Exception as error:  # noqa: BLE001 told to the client in place of the end
            yield _event(refused(error).body(), "error")
            return
        if self._bodies.counts_in_stream:
            yield _event(self._bodies.counted(self._usage()))
        yield _event(_DONE.encode())

    async def _parts(self, first: Piece) -> AsyncGenerator[bytes]:
        """By turns, so that their order depends on no clock."""
        for index, echoed in enumerate(self._echoed):
            if echoed:
                yield self._bodies.part(index, echoed, None)
        going, early = dict(enumerate(self._tellings)), first
        while going:
            for index, telling in list(going.items()):
                piece = early or await telling.next()
                early = None
                if piece.text or piece.why is not None:
                    yield self._bodies.part(index, piece.text, piece.why)
                if piece.why is not None:
                    del going[index]

    def _usage(self) -> Usage:
        return Usage.of(self._prompt_tokens, sum(telling.story.tokens for telling in self._tellings))

    def _timing(self) -> str:
        """Milliseconds, as `Server-Timing` has them."""
        return f"queue;dur={1e3 * self._tellings[0].waited_s:.3f}"


async def _text(telling: Telling, piece: Piece) -> tuple[str, Why]:
    texts = [piece.text]
    while piece.why is None:
        piece = await telling.next()
        texts.append(piece.text)
    return "".join(texts), piece.why


def _event(data: bytes, name: str | None = None) -> bytes:
    return format_sse_event(data_str=data.decode(), event=name)


class _Events(EventSourceResponse):
    """Lets its stories go when all is sent, when the client has gone, and when it reads too slowly."""

    def __init__(self, content: AsyncGenerator[bytes], work: _Work, *, headers: dict[str, str]) -> None:
        super().__init__(content, headers=headers)
        self._work = work

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def received() -> Message:
            message = await receive()
            if message["type"] == "http.disconnect":
                self._work.give_up()  # here, since the way to the end of this call takes as long as some tokens
            return message

        try:
            async with asyncio.timeout(2 * LONGEST_STORY_S):
                await super().__call__(scope, received, send)
        finally:
            self._work.give_up()
