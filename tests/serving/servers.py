"""`encore serve` as a process of its own, and its clients."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from serving.server import Listening, bound, serve
from serving.service import WriterService


@dataclass
class Running:
    """A server: where it listens, and the process."""

    address: str
    process: subprocess.Popen[str]

    @property
    def port(self) -> int:
        return int(self.address.rpartition(":")[2])

    def post(self, path: str, body: object, **headers: str) -> httpx.Response:
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        head: Mapping[str, str] = {"content-type": "application/json", **headers}
        return httpx.post(self.address + path, content=content, headers=head, timeout=30)

    def get(self, path: str, **headers: str) -> httpx.Response:
        return httpx.get(self.address + path, headers=headers, timeout=30)

    def classify(self, text: object, **more: Any) -> httpx.Response:
        return self.post("/v1/classify", {"text": text, **more})

    def complete(self, prompt: object, **more: Any) -> httpx.Response:
        return self.post("/v1/completions", {"prompt": prompt, **more})


def raw(server: Running, content: bytes, *, wait_s: float = 5) -> bytes:
    """What a server answers to bytes, until it ends the connection or is silent."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=wait_s) as connection:
        connection.sendall(content)
        found = b""
        try:
            while part := connection.recv(65536):
                found += part
        except (TimeoutError, ConnectionError):
            pass
        return found


@contextmanager
def serving(named: object, *options: object) -> Iterator[Running]:
    """On a free port, until the block ends."""
    command = [sys.executable, "-m", "cli", "serve", str(named), "--port", "0", *map(str, options)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stderr is not None
    try:
        address = process.stdout.readline().strip()
        assert address.startswith("http://"), process.stderr.read()
        yield Running(address, process)
    finally:
        process.terminate()
        process.wait(30)
        process.stdout.close()
        process.stderr.close()


@contextmanager
def here(service: WriterService) -> Iterator[int]:
    """A server of this process, on a port of its own."""
    listening = Listening("127.0.0.1", 0, (), None)
    opened = threading.Event()
    with bound(listening) as taken:
        port = taken.getsockname()[1]
        thread = threading.Thread(
            target=serve, args=(service, listening, taken), kwargs={"announce": lambda _: opened.set()}
        )
        thread.start()
        assert opened.wait(30)
        try:
            yield port
        finally:
            service.ends = True
            thread.join(30)
    assert not thread.is_alive()


def wait_for(holds: Callable[[], object]) -> None:
    """Up to half a minute."""
    for _ in range(3_000):
        if holds():
            return
        time.sleep(0.01)
    raise AssertionError("it did not come")


def modules_of(program: str, told: Path) -> list[str]:
    """What a process of its own has imported when it wrote `sys.modules` into the file `told`."""
    subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program)], check=True, capture_output=True, timeout=60
    )
    return told.read_text().split("\n")
