"""Errors as JSON: what is wrong, in which field, and the cure. Nothing of what was sent is said again."""

from __future__ import annotations

import json
from collections.abc import Mapping

from fastapi import FastAPI, Request
from pydantic import BaseModel
from starlette.exceptions import HTTPException
from starlette.responses import Response

_OF_STATUS = {
    404: ("not_found", "there is nothing of this name", "/openapi.json names what there is."),
    405: ("method", "the method is not one of this address", "/openapi.json names what there is."),
}
_ALLOW = "Allow"  # of 405: the methods of the address


class Problem(BaseModel):
    """field: of the request, where one is to blame."""

    type: str
    message: str
    field: str | None
    cure: str


class ProblemAnswer(BaseModel):
    """The body of every answer that is none of success, in the form that OpenAI's clients read."""

    error: Problem


class RefusedError(Exception):
    """A request that is answered with a problem.

    Made anew each time: an exception that is raised twice keeps the frames of both, and with them what was asked.
    """

    def __init__(
        self,
        status: int,
        kind: str,
        message: str,
        *,
        cure: str,
        field: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status, self.headers = status, dict(headers or {})
        self.problem = Problem(type=kind, message=message, field=field, cure=cure)

    def body(self) -> bytes:
        return problem_body(self.problem)

    def response(self) -> Response:
        return Response(self.body(), self.status, self.headers, media_type="application/json")


def fault() -> RefusedError:
    return RefusedError(500, "fault", "a fault of the server's own", cure="Its log has the kind of it.")


def gone() -> RefusedError:
    """Said to nobody, and counted."""
    return RefusedError(499, "gone", "the client has gone", cure="Ask again.")


def problem_body(problem: Problem) -> bytes:
    """JSON."""
    return json.dumps({"error": problem.model_dump()}, ensure_ascii=False).encode()


def answer_problems(app: FastAPI, elsewhere: Mapping[str, Problem]) -> None:
    """Have every error of `app` answered so. elsewhere: what is said of addresses that other models' servers have."""
    app.state.elsewhere = elsewhere
    app.add_exception_handler(RefusedError, _refused)
    app.add_exception_handler(HTTPException, _of_status)
    app.add_exception_handler(Exception, _fault)  # starlette's own answer is no JSON


async def _refused(_request: Request, error: Exception) -> Response:
    assert isinstance(error, RefusedError)
    return error.response()


async def _fault(_request: Request, _error: Exception) -> Response:
    return fault().response()


async def _of_status(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    problem = request.app.state.elsewhere.get(request.url.path)
    if problem is not None:
        return Response(problem_body(problem), error.status_code, media_type="application/json")
    kind, message, cure = _OF_STATUS.get(
        error.status_code, ("refused", "it is refused", "See /openapi.json.")
    )
    allowed = (error.headers or {}).get(_ALLOW)
    if allowed is not None:
        cure = f"Ask with {allowed}; {cure}"
    return RefusedError(error.status_code, kind, message, cure=cure, headers=error.headers).response()
