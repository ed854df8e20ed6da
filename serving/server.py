"""The process: the port, the signals, and an end that answers what was accepted."""

from __future__ import annotations

import contextlib
import gc
import socket
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from types import FrameType
from typing import Any

import uvicorn
from starlette.types import ASGIApp

from errors import UserError
from serving.app import make_app
from serving.connection import Connection
from serving.limits import IDLE_S
from serving.service import Service

# Of answering what still comes, on connections that are ended with it: first new ones are made, then none.
_LISTENING_S, _ANSWERING_S = 0.5, 0.3
_LOCAL = ("127.0.0.1", "localhost", "::1")


@dataclass(frozen=True)
class Listening:
    """host, port: to listen on; port 0 takes a free one. names: that it is known by besides. token: none: nobody is
    asked for one."""

    host: str
    port: int
    names: tuple[str, ...]
    token: str | None


def bound(listening: Listening) -> socket.socket:
    """A socket that has the port and does not listen yet. UserError where it cannot have it."""
    family = socket.AF_INET6 if ":" in listening.host else socket.AF_INET
    found = socket.socket(family, socket.SOCK_STREAM)
    found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        found.bind((listening.host, listening.port))
    except OSError as error:
        found.close()
        raise UserError(
            f"the port cannot be had ({(error.strerror or str(error)).lower()})",
            where=f"{listening.host}:{listening.port}",
            cure="Name another with --port.",
        ) from error
    return found


def serve(
    service: Service[Any], listening: Listening, taken: socket.socket, *, announce: Callable[[str], None]
) -> None:
    """Answer until SIGTERM or Ctrl-C, then what was accepted until then. announce: is told the address at once."""
    port = taken.getsockname()[1]
    app = make_app(service, token=listening.token, hosts=known_names(listening))
    server = _Server(_config(app), service, lambda: announce(address(listening.host, port)))
    gc.collect()
    gc.freeze()  # what was loaded stays, and is not looked through again and again
    with contextlib.suppress(KeyboardInterrupt):  # uvicorn raises the signal again when all is answered
        server.run(sockets=[taken])


def known_names(listening: Listening) -> Iterable[str]:
    return {*_LOCAL, listening.host, *listening.names}


def is_local(host: str) -> bool:
    """Whether this machine alone can reach the address."""
    return host in _LOCAL


def address(host: str, port: int) -> str:
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _config(app: ASGIApp) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        loop="uvloop",
        http=Connection,
        ws="none",
        lifespan="on",
        access_log=False,
        log_config=None,
        server_header=False,
        date_header=False,
        proxy_headers=False,
        timeout_keep_alive=int(IDLE_S),
    )


class _Server(uvicorn.Server):
    """started: is told when the port is open."""

    def __init__(self, config: uvicorn.Config, service: Service[Any], started: Callable[[], None]) -> None:
        super().__init__(config)
        self._service, self._started = service, started
        self._told = 0.0

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._started()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """The first signal ends it when what was sent until now is answered, the second at once."""
        if self._service.ends:
            super().handle_exit(sig, frame)
            return
        self._service.ends = True
        self._told = time.monotonic()

    async def on_tick(self, counter: int) -> bool:
        if self._service.ends:
            passed = time.monotonic() - self._told
            if passed > _LISTENING_S:
                for listener in self.servers:  # who comes now is refused by the system, not accepted and left
                    listener.close()
            self.should_exit |= passed > _LISTENING_S + _ANSWERING_S
        return await super().on_tick(counter)
