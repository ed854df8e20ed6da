"""How large and how slow a body may be, and that nothing of a refused one is kept."""

from __future__ import annotations

import asyncio
import gc
import weakref
from collections.abc import Callable
from typing import Any

import pytest
from starlette.requests import Request
from starlette.types import Receive, Scope, Send

from serving import guard
from serving.guard import Guard
from serving.limits import LARGEST_BODY
from serving.metrics import Metrics
from tests.serving.servers import Running, raw


def test_a_body_without_an_end_is_counted(int8_server: Running) -> None:
    head = (
        f"POST /v1/classify HTTP/1.1\r\nhost: 127.0.0.1:{int8_server.port}\r\n"
        "content-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n"
    ).encode()
    chunk = b"10000\r\n" + b"x" * 0x10000 + b"\r\n"
    found = raw(int8_server, head + chunk * (LARGEST_BODY // 0x10000 + 2))
    assert found.startswith(b"HTTP/1.1 413 ")


@pytest.mark.slow
def test_a_slow_body_is_told_so(int8_server: Running) -> None:
    head = (
        f"POST /v1/classify HTTP/1.1\r\nhost: 127.0.0.1:{int8_server.port}\r\n"
        "content-type: application/json\r\ncontent-length: 20\r\n\r\n"
    ).encode()
    assert raw(int8_server, head + b'{"te', wait_s=30).startswith(b"HTTP/1.1 408 ")


class _Part(bytearray):
    """Of a body; one that can be watched."""


def _answered(part: Callable[[], bytes | bytearray], *, every_s: float = 0.0) -> int:
    """The status that the guard answers with to a body without an end, of such parts."""

    async def receive() -> dict[str, Any]:
        await asyncio.sleep(every_s)
        return {"type": "http.request", "body": part(), "more_body": True}

    async def read(scope: Scope, receive: Receive, send: Send) -> None:
        del send
        await Request(scope, receive).body()

    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    head = [
        (b"host", b"localhost"),
        (b"content-type", b"application/json"),
        (b"transfer-encoding", b"chunked"),
    ]
    scope = {"type": "http", "method": "POST", "path": "/", "headers": head}
    asyncio.run(Guard(read, hosts=["localhost"], metrics=Metrics(), ends=lambda: False)(scope, receive, send))  # type: ignore[arg-type]
    return sent[0]["status"]


def test_nothing_of_a_refused_body_is_kept() -> None:
    parts: list[weakref.ref[_Part]] = []

    def part() -> _Part:
        made = _Part(LARGEST_BODY // 2)
        parts.append(weakref.ref(made))
        return made

    assert [_answered(part) for _ in range(2)] == [413, 413]
    gc.collect()
    assert len(parts) == 6
    assert not any(made() for made in parts)


def test_a_body_that_drips_is_slow_as_a_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guard, "BODY_WITHIN_S", 0.2)
    assert _answered(lambda: b" " * 4096, every_s=0.01) == 408
