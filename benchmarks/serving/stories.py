"""A writer's server: eight clients over one, whether each gets its own text, its start, and who leaves in the middle.

The server and the clients share all cores; texts are drawn at the usual options, each with a seed of its own.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import socket
import time
from contextlib import suppress
from pathlib import Path
from statistics import median

import uvloop

from benchmarks.results import table, write_section
from benchmarks.serving.client import closed_loop, question
from benchmarks.serving.contract import contract
from benchmarks.serving.overload import overloaded
from benchmarks.serving.processes import Server, ready, serving

_PROMPT, _TOKENS, _CLIENTS, _ROUNDS, _LEAVERS = "Once upon a time", 300, 8, 7, 30
_DONE = b"data: [DONE]\n\n"
_PATH = "/v1/completions"


def measure(bundle: Path, arguments: argparse.Namespace) -> None:
    """Writes the section."""
    about = json.loads((bundle / "bundle.json").read_text())
    with serving(bundle) as server:
        rows = [*_throughput(server), _company(server), _leaving(server)]
    with serving(bundle) as server:
        rows.append(_overload(server, arguments.overload_s))
    if arguments.cases:
        with serving(bundle) as server:
            rows.append(contract(server, arguments.cases, stories=True))
    seconds, memory = ready(bundle)
    rows.append(
        ["ready after, from the bundle; memory above the model file", f"{seconds:.2f} s; {memory:.0f} MiB"]
    )
    size = (bundle / "model.onnx").stat().st_size / 2**20
    body = (
        f"{about['variant']} of run {about['run_id'][:8]}, {size:.1f} MiB, {about['under']['instruction_set']};"
        f" two threads of the model, clients beside it, at most {_TOKENS} tokens a text; {_ROUNDS} rounds, medians,"
        " a round is one client and then eight.\n\n" + table(["what", "measured"], rows)
    )
    write_section("Serving stories", "python -m benchmarks serving FOLDER", body)


def _asked(port: int, seed: int, *, stream: bool) -> bytes:
    body = {"prompt": _PROMPT, "max_tokens": _TOKENS, "seed": seed, "stream": stream}
    counted = {"stream_options": {"include_usage": True}} if stream else {}
    return question({**body, **counted}, port=port, path=_PATH, closing=True)


async def _answer(port: int, seed: int, *, stream: bool) -> bytes:
    """The body, whole or all its events; a chunk's head stays in it."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(_asked(port, seed, stream=stream))
    head, _, body = (await reader.read()).partition(b"\r\n\r\n")
    writer.close()
    assert head.startswith(b"HTTP/1.1 200"), head
    assert not stream or _DONE in body
    return body


def _tokens(body: bytes) -> int:
    """That were drawn, as the body says."""
    return int(body.rpartition(b'"completion_tokens":')[2].partition(b",")[0])


async def _rate(port: int, seeds: range, *, stream: bool) -> float:
    began = time.perf_counter()
    bodies = await asyncio.gather(*(_answer(port, seed, stream=stream) for seed in seeds))
    return sum(map(_tokens, bodies)) / (time.perf_counter() - began)


def _throughput(server: Server) -> list[list[object]]:
    rows: list[list[object]] = []
    for stream in (False, True):
        asyncio.run(_rate(server.port, range(_CLIENTS), stream=stream))
        ones, eights = [], []
        for number in range(_ROUNDS):
            ones.append(asyncio.run(_rate(server.port, range(number, number + 1), stream=stream)))
            eights.append(asyncio.run(_rate(server.port, range(_CLIENTS), stream=stream)))
        ratio = median(eight / one for one, eight in zip(ones, eights, strict=True))
        how = "token by token" if stream else "whole"
        rows.append(
            [
                f"tokens/s, {how}: one client; eight; ratio",
                f"{median(ones):.0f}; {median(eights):.0f}; {ratio:.2f} ×",
            ]
        )
    return rows


def _overload(server: Server, seconds: float) -> list[object]:
    asked = {"prompt": _PROMPT, "max_tokens": _TOKENS}
    requests = [question({**asked, "seed": seed}, port=server.port, path=_PATH) for seed in range(100)]
    load = uvloop.run(closed_loop(server.port, requests, clients=2 * _CLIENTS, seconds=10))
    assert set(load.statuses()) == {200}, load.statuses()
    return overloaded(server, requests, len(load.answers) / load.seconds, seconds)


def _company(server: Server) -> list[object]:
    """Bodies of eight clients at once against those asked alone."""

    async def alone() -> list[bytes]:
        return [
            await _answer(server.port, seed, stream=stream)
            for stream in (False, True)
            for seed in range(_CLIENTS)
        ]

    async def together() -> list[bytes]:
        return [
            body
            for stream in (False, True)
            for body in await asyncio.gather(
                *(_answer(server.port, seed, stream=stream) for seed in range(_CLIENTS))
            )
        ]

    pairs = list(zip(asyncio.run(alone()), asyncio.run(together()), strict=True))
    whole, streamed = (sum(map(_equal, pairs[part])) for part in (slice(_CLIENTS), slice(_CLIENTS, None)))
    return [
        "bodies of eight clients at once equal to those asked alone: whole; token by token",
        f"{whole} of {_CLIENTS}; {streamed} of {_CLIENTS}",
    ]


def _equal(pair: tuple[bytes, bytes]) -> bool:
    return _unchunked(pair[0]) == _unchunked(pair[1])


def _unchunked(body: bytes) -> bytes:
    """The heads of HTTP's chunks say how the bytes came, and are none of them."""
    return b"".join(line for line in body.split(b"\r\n") if line.startswith((b"data:", b"{")))


def _leaving(server: Server) -> list[object]:
    """Tokens that are computed after those that a client had read when it went."""
    more, seeds = [], itertools.count()
    while len(more) < _LEAVERS:
        before = _computed(server.port)
        received = _left(server.port, seed=next(seeds))
        time.sleep(0.2)
        if received is None:
            continue
        prompt_and_first = 5  # four tokens and the opening, after which the first one is drawn
        more.append(_computed(server.port) - before - prompt_and_first + 1 - received)
    return [
        f"a client reads 20 tokens and goes, {_LEAVERS} times: tokens computed beyond those, median and most",
        f"{median(more):.0f}; {max(more):.0f}",
    ]


def _left(port: int, *, seed: int) -> int | None:
    """Events that were read; none where the story had ended with them.

    An event loop of the client's own would go some tokens later than it has read.
    """
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.sendall(_asked(port, seed, stream=True))
        found = b""
        while found.count(b"data: ") < 20:
            found += connection.recv(65536)
        connection.setblocking(False)
        with suppress(BlockingIOError):
            found += connection.recv(2**20)  # what had come when it went
    return None if _DONE in found else found.count(b"data: ")


def _computed(port: int) -> float:
    """Tokens that the model has read until now."""
    from urllib.request import urlopen

    with urlopen(f"http://127.0.0.1:{port}/metrics") as answer:
        lines = answer.read().decode().split("\n")
    return float(next(line for line in lines if line.startswith("encore_model_tokens_total")).split()[1])
