"""What every request passes first: who may ask at all, how large it is, and what an answer's head says.

Loopback is no boundary: a page of any site may have a name that leads to 127.0.0.1 (DNS rebinding, MLflow's
CVE-2025-14279). So a request names a host that this server is known by, its `Origin`, where it has one, is that same
server, and what it sends is JSON, which a foreign page cannot send without asking first.
"""

from __future__ import annotations

import asyncio
import functools
import logging
import time
from collections.abc import Callable, Iterable
from urllib.parse import urlsplit

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from serving.limits import BODY_WITHIN_S, LARGEST_BODY
from serving.metrics import Metrics
from serving.problems import RefusedError, fault

_LOG = logging.getLogger("encore.serving")
_HEADERS = [
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"cache-control", b"no-store"),
    (
        b"content-security-policy",
        b"default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self';"
        b" base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    ),
]
_CLOSING = ((b"connection", b"close"),)
_LONGEST_DIGITS = 12


class Guard:
    """hosts: names, without ports, that a request may be sent to. ends: whether the server is about to end, when a
    connection takes no further request."""

    def __init__(
        self, app: ASGIApp, *, hosts: Iterable[str], metrics: Metrics, ends: Callable[[], bool]
    ) -> None:
        self.app, self.metrics, self.ends = app, metrics, ends
        self.hosts = frozenset(host.lower() for host in hosts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers = dict(scope["headers"])
        body = _Body(receive, comes=_has_body(headers))
        answer = _Answer(scope, send, self, body)
        try:
            self._check(headers)
            if not body.whole:
                _check_body(headers)
            await self.app(scope, body, answer.send)
        except RefusedError as error:
            await answer.refuse(error)
        except Exception as error:  # noqa: BLE001 the last place: the client gets JSON, the log a type and a place
            _LOG.error("%s in %s", type(error).__name__, _route(scope))
            await answer.refuse(fault())

    def _check(self, headers: dict[bytes, bytes]) -> None:
        host = headers.get(b"host", b"").decode("latin-1")
        if _name(host) not in self.hosts:
            raise RefusedError(
                421,
                "host",
                "this server is not known by that name",
                field="Host",
                cure="--allow-host NAME adds one.",
            )
        origin = headers.get(b"origin")
        if origin is not None and origin.decode("latin-1").partition("://")[2] != host:
            raise RefusedError(
                403,
                "origin",
                "pages of other sites may not ask",
                field="Origin",
                cure="Ask from this server's page.",
            )


def _has_body(headers: dict[bytes, bytes]) -> bool:
    return headers.get(b"content-length", b"0") != b"0" or b"transfer-encoding" in headers


def _check_body(headers: dict[bytes, bytes]) -> None:
    kind = headers.get(b"content-type", b"").partition(b";")[0].strip().lower()
    if kind != b"application/json":
        raise RefusedError(
            415,
            "content_type",
            "a body is JSON",
            field="Content-Type",
            cure="Send `Content-Type: application/json`.",
        )
    length = headers.get(b"content-length", b"0")
    if len(length) > _LONGEST_DIGITS or not length.isdigit() or int(length) > LARGEST_BODY:
        raise _too_large()


@functools.lru_cache(maxsize=64)
def _name(host: str) -> str | None:
    """A host without its port; none where it is none."""
    try:
        split = urlsplit(f"//{host}")
        return split.hostname if split.port is None or split.port else None
    except ValueError:
        return None


def _route(scope: Scope) -> str:
    """The route's own pattern, never the path that was asked for."""
    return getattr(scope.get("route"), "path", "other")


class _Body:
    """A body that is not larger than allowed, and that comes within its time. whole: nothing of it is left to read."""

    def __init__(self, receive: Receive, *, comes: bool) -> None:
        self.whole = not comes
        self._receive, self._bytes = receive, 0
        self._until = asyncio.get_running_loop().time() + BODY_WITHIN_S

    async def __call__(self) -> Message:
        if self.whole:
            return await self._receive()
        try:
            async with asyncio.timeout_at(self._until):
                message = await self._receive()
        except TimeoutError as error:
            raise _slow() from error
        self._bytes += len(message.get("body", b""))
        self.whole = not message.get("more_body", False)
        if self._bytes > LARGEST_BODY:
            raise _too_large()
        return message


class _Answer:
    """One answer: the head that every one has, and what is counted of it.

    It ends the connection where the body was not read to its end: nobody would count the rest, nor its time.
    """

    def __init__(self, scope: Scope, send: Send, guard: Guard, body: _Body) -> None:
        self._scope, self._send, self._guard, self._body = scope, send, guard, body
        self._began = time.perf_counter()
        self._status, self._whole = 0, False

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._status = message["status"]
            closing = _CLOSING if self._guard.ends() or not self._body.whole else ()
            message["headers"] = [*message.get("headers", ()), *_HEADERS, *closing]
        self._whole = message["type"] == "http.response.body" and not message.get("more_body", False)
        await self._send(message)
        if self._whole:
            seconds = time.perf_counter() - self._began
            self._guard.metrics.answered(_route(self._scope), self._status, seconds)

    async def refuse(self, error: RefusedError) -> None:
        """Answer with a problem; where an answer has begun it is broken off."""
        if self._whole:
            return
        if self._status:
            raise error from None
        body = error.body()
        named = {**error.headers, "content-type": "application/json", "content-length": str(len(body))}
        headers = [(name.encode(), value.encode()) for name, value in named.items()]
        await self.send({"type": "http.response.start", "status": error.status, "headers": headers})
        await self.send({"type": "http.response.body", "body": body})


def _too_large() -> RefusedError:
    return RefusedError(
        413,
        "too_large",
        "the body is too large",
        cure=f"Send at most {LARGEST_BODY} bytes: fewer or shorter texts.",
    )


def _slow() -> RefusedError:
    return RefusedError(
        408,
        "slow",
        "the body did not come in time",
        cure=f"Send it within {BODY_WITHIN_S:.0f} s.",
    )
