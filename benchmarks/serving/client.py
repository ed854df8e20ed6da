"""A lean HTTP client, so that what is measured is the server: one socket a connection, requests made beforehand."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import json
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

HEAD_END = b"\r\n\r\n"
_LENGTH = b"content-length:"


def request(text: object, *, port: int, path: str = "/v1/classify", key: str = "text") -> bytes:
    """The bytes of one question about a text."""
    return question({key: text}, port=port, path=path)


def question(asked: object, *, port: int, path: str, closing: bool = False) -> bytes:
    """The bytes of one question. closing: the connection ends with its answer."""
    body = json.dumps(asked).encode()
    ends = "connection: close\r\n" if closing else ""
    head = (
        f"POST {path} HTTP/1.1\r\nhost: 127.0.0.1:{port}\r\ncontent-type: application/json\r\n"
        f"content-length: {len(body)}\r\n{ends}\r\n"
    )
    return head.encode() + body


@dataclass(frozen=True)
class Answer:
    """seconds: from when the request was to be sent until its last byte."""

    status: int
    body: bytes
    seconds: float


class _Connection(asyncio.Protocol):
    """Sends one request after another and hands over each whole answer; lost: that was broken off."""

    def __init__(self) -> None:
        self.buffer = bytearray()
        self.waiting: asyncio.Future[tuple[int, bytes]] | None = None
        self.closed = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport

    def connection_lost(self, exc: Exception | None) -> None:
        del exc
        self.closed = True
        if self.waiting is not None and not self.waiting.done():
            self.waiting.set_exception(ConnectionResetError(f"after {len(self.buffer)} bytes"))

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        end = self.buffer.find(HEAD_END)
        if end < 0:
            return
        head = bytes(self.buffer[:end]).lower()
        start = head.index(_LENGTH) + len(_LENGTH)
        length = int(head[start : head.find(b"\r\n", start) % (end + 1)])
        whole = end + len(HEAD_END) + length
        if len(self.buffer) >= whole and self.waiting is not None:
            found = int(head[9:12]), bytes(self.buffer[whole - length : whole])
            del self.buffer[:whole]
            self.closed |= b"\nconnection: close" in head
            waiting, self.waiting = self.waiting, None
            waiting.set_result(found)

    async def ask(self, content: bytes) -> tuple[int, bytes]:
        self.waiting = asyncio.get_running_loop().create_future()
        self.transport.write(content)  # type: ignore[attr-defined]
        return await self.waiting


async def connected(port: int) -> _Connection:
    _, protocol = await asyncio.get_running_loop().create_connection(_Connection, "127.0.0.1", port)
    return protocol


@dataclass
class Load:
    """What many clients were answered. refused: connections that were not made. lost: requests whose connection ended
    before an answer began; broken: while one was coming."""

    answers: list[Answer] = field(default_factory=list)
    refused: int = 0
    lost: int = 0
    broken: int = 0
    seconds: float = 0.0

    def statuses(self) -> dict[int, int]:
        found: dict[int, int] = {}
        for answer in self.answers:
            found[answer.status] = found.get(answer.status, 0) + 1
        return found


async def closed_loop(port: int, requests: Sequence[bytes], *, clients: int, seconds: float) -> Load:
    """Each client asks as soon as it is answered, all of them out of one round of requests."""
    load, end, turn = Load(), time.perf_counter() + seconds, iter(range(10**9))
    began = time.perf_counter()

    async def client() -> None:
        connection = await connected(port)
        while (now := time.perf_counter()) < end:
            status, body = await connection.ask(requests[next(turn) % len(requests)])
            load.answers.append(Answer(status, body, time.perf_counter() - now))
        connection.transport.close()

    await asyncio.gather(*(client() for _ in range(clients)))
    load.seconds = time.perf_counter() - began
    return load


async def open_loop(
    port: int,
    requests: Sequence[bytes],
    times_s: Sequence[float],
    *,
    on_answer: Callable[[int], None] | None = None,
) -> Load:
    """Ask at the times that are given, whatever was answered until then; seconds count from those times."""
    with _undisturbed():
        return await _open_loop(port, requests, times_s, on_answer)


async def _open_loop(
    port: int, requests: Sequence[bytes], times_s: Sequence[float], on_answer: Callable[[int], None] | None
) -> Load:
    load, free = Load(), [await connected(port) for _ in range(32)]
    began = time.perf_counter() + 0.1

    async def one(number: int, due: float) -> None:
        while free and free[-1].closed:
            free.pop()
        try:
            connection = free.pop() if free else await connected(port)
        except OSError:
            load.refused += 1
            return
        try:
            status, body = await connection.ask(requests[number % len(requests)])
        except ConnectionError:
            load.lost += 1
            load.broken += bool(connection.buffer)
            return
        load.answers.append(Answer(status, body, time.perf_counter() - due))
        if on_answer is not None:
            on_answer(number)
        if not connection.closed:
            free.append(connection)

    going: set[asyncio.Task[None]] = set()
    for number, at in enumerate(times_s):
        await _until(began + at)
        going.add(task := asyncio.ensure_future(one(number, began + at)))
        task.add_done_callback(going.discard)
    await asyncio.gather(*going)
    load.seconds = time.perf_counter() - began
    return load


@contextlib.contextmanager
def _undisturbed() -> Iterator[None]:
    """Without Python's collector, which holds this client up for some tenths of a second once it keeps many answers."""
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


async def _until(due: float) -> None:
    delay = due - time.perf_counter()
    if delay > 0.0005:  # an event loop sleeps no shorter
        await asyncio.sleep(delay)


def until_open(port: int) -> None:
    """Wait up to 30 s. AssertionError where nothing listens by then."""
    for _ in range(300):
        try:
            asyncio.run(connected(port))
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise AssertionError("the server did not open its port")
