"""`encore serve` as a process of its own, and its clients."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx


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
