"""A connection that bounds the head of a request, in bytes and in time, as the guard bounds its body.

uvicorn asks for neither: a head of any size would be kept, and one that never ends would hold its connection for ever.
"""

from __future__ import annotations

import asyncio

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from serving.limits import HEADERS_WITHIN_S, MOST_HEADER_BYTES
from serving.problems import RefusedError

_MALFORMED = RefusedError(400, "malformed", "this is no HTTP request", cure="Send HTTP/1.1.")
_LARGE_HEAD = RefusedError(
    431, "large_head", "the head is too large", cure=f"Send at most {MOST_HEADER_BYTES} bytes of headers."
)


class _LargeHeadError(Exception):
    """Raised in the parser, which then ends the connection."""


class Connection(HttpToolsProtocol):
    """One client's; every answer that is given before a request is one is JSON, too."""

    _timer: asyncio.TimerHandle | None = None
    _in_head = True
    _received = _head_bytes = 0  # of a head that is not whole, and of its headers that are

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._timer = self.loop.call_later(HEADERS_WITHIN_S, transport.close)

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_timer()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._in_head:
            self._received += len(data)
        super().data_received(data)
        if self._in_head and self._received > MOST_HEADER_BYTES and not self.transport.is_closing():
            self._end(_LARGE_HEAD)

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._in_head, self._received, self._head_bytes = True, 0, 0
        self._stop_timer()
        self._timer = self.loop.call_later(HEADERS_WITHIN_S, self.transport.close)

    def on_header(self, name: bytes, value: bytes) -> None:
        super().on_header(name, value)
        self._head_bytes += len(name) + len(value)
        if self._head_bytes > MOST_HEADER_BYTES:
            raise _LargeHeadError

    def on_headers_complete(self) -> None:
        self._in_head = False
        self._stop_timer()
        super().on_headers_complete()

    def send_400_response(self, msg: str) -> None:
        del msg
        self._end(_LARGE_HEAD if self._head_bytes > MOST_HEADER_BYTES else _MALFORMED)

    def _end(self, error: RefusedError) -> None:
        body = error.body()
        head = (
            f"HTTP/1.1 {error.status} \r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n"
            "connection: close\r\n\r\n"
        )
        self.transport.write(head.encode() + body)
        self.transport.close()

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
