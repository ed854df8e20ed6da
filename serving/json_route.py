"""A route that is asked a thousand times a second: one JSON body, read by its model from the bytes that came.

FastAPI's own handler makes ready, for every request, for forms, files, dependencies with parameters and answers that it
has to check, and its middleware for what such handlers raise; both cost more than all else that is done here for a
text. What stays of them is the path, the schema and who may ask.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from fastapi import Request
from fastapi.routing import APIRoute
from pydantic import BaseModel, ValidationError
from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from serving.authorisation import Authorised
from serving.invalid import first_error, invalid
from serving.problems import RefusedError, gone


class JsonRoute(APIRoute):
    """endpoint: a coroutine function of the body (`asked`, a pydantic model) and the `request` that answers itself.

    Each of its dependencies is `Authorised`: nothing else would be asked.
    """

    def __init__(self, path: str, endpoint: Callable[..., Any], **options: Any) -> None:
        super().__init__(path, endpoint, **options)
        assert self.body_field is not None
        self._asked: type[BaseModel] = self.body_field.field_info.annotation  # type: ignore[assignment]
        self._guards = [_authorised(depends.dependency) for depends in self.dependencies]
        self.app = self._respond

    async def _respond(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            response = await self._answer(Request(scope, receive, send))
        except RefusedError as error:
            response = error.response()
        except ClientDisconnect:
            response = gone().response()
        await response(scope, receive, send)

    async def _answer(self, request: Request) -> Response:
        try:
            for authorised in self._guards:
                await authorised(request)
        except RefusedError:
            async for _ in request.stream():  # else a client that still sends it may see no answer
                pass
            raise
        body = await request.body()
        try:
            asked = self._asked.model_validate_json(body)
        except ValidationError as error:
            raise invalid(first_error(error), self._asked) from None  # what was sent goes no further
        return await self.endpoint(asked=asked, request=request)


def _authorised(dependency: object) -> Authorised:
    assert isinstance(dependency, Authorised), dependency
    return dependency


class Front:
    """Hands a request to the one of `routes` that has its path and method, and else to `app`, which has them all."""

    def __init__(self, app: ASGIApp, routes: Sequence[JsonRoute]) -> None:
        self.app = app
        self._routes = {(route.path, method): route for route in routes for method in route.methods or ()}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        route = self._routes.get((scope["path"], scope["method"])) if scope["type"] == "http" else None
        if route is None:
            await self.app(scope, receive, send)
            return
        scope["route"] = route
        await route.app(scope, receive, send)
