"""`python -m benchmarks serving FOLDER`: a bundle's server against the bare session, under load, and at its ends.

The model has one core and HTTP the other, with the clients; against a peer both have both. Texts are SST-2's official
sentences. `--pipeline PYTHON` and `--litserve PYTHON` name the interpreters of the peers' environments.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import signal
from collections.abc import Coroutine
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from benchmarks.mlflow_server import free_port_here
from benchmarks.results import table, write_section
from benchmarks.serving import stories
from benchmarks.serving.bare import MODEL_CORE, ROUNDS, SECONDS, calls_a_second, together
from benchmarks.serving.client import Load, closed_loop, connected, open_loop, request, until_open
from benchmarks.serving.contract import contract
from benchmarks.serving.overload import overloaded
from benchmarks.serving.poisson import over_ideal_queue
from benchmarks.serving.processes import Server, ready, serving, started

_HTTP_CORE = 1
_CLIENTS = 16
_COMPANIONS = 15
_ENDS = 20
_TURNS, _TURN_S = 24, 1.5
_PEERS = {kind: Path(__file__).with_name(f"peer_{kind}.py") for kind in ("pipeline", "litserve")}


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--pipeline", help="of `serving`: the Python that has transformers and optimum")
    parser.add_argument("--litserve", help="of `serving`: the Python that has LitServe")
    parser.add_argument("--cases", type=int, default=500, help="of `serving`: that schemathesis asks, or 0")
    parser.add_argument("--overload-s", type=float, default=60.0, help="of `serving`: seconds at 120 %%")


def measure(bundle: Path, data: Path, arguments: argparse.Namespace) -> None:
    """Writes the section; of a language model's bundle that on stories."""
    about = json.loads((bundle / "bundle.json").read_text())
    if about["labels"] is None:
        stories.measure(bundle, arguments)
        return
    texts = _texts(data)
    rows = [
        *([together(bundle)] if about["batch_invariant"] else []),
        *_throughput(bundle, texts, arguments),
        _company(bundle, texts),
        *_poisson(bundle, texts),
        _overload(bundle, texts, arguments.overload_s),
        _ready(bundle),
        _ends(bundle, texts),
        *([_contract(bundle, arguments.cases)] if arguments.cases else []),
    ]
    size = (bundle / "model.onnx").stat().st_size / 2**20
    body = (
        f"{about['variant']} of run {about['run_id'][:8]}, {size:.1f} MiB, {about['under']['instruction_set']}; one"
        f" thread of the model on one core, HTTP and {_CLIENTS} clients on the other.\n\n"
        + table(["what", "measured"], rows)
    )
    write_section("Serving", "python -m benchmarks serving FOLDER", body)


def _texts(data: Path) -> list[str]:
    import pandas as pd

    frame = pd.read_parquet(data / "data" / "sst2" / "validation.parquet")
    return [text.strip() for text in frame["sentence"]]


def _loaded(server: Server, texts: list[str]) -> float:
    """Answers a second to 16 clients on the other core."""
    requests = [request(text, port=server.port) for text in texts]
    os.sched_setaffinity(0, {_HTTP_CORE})
    asyncio.run(closed_loop(server.port, requests, clients=_CLIENTS, seconds=0.5))
    server.pin(model=MODEL_CORE, rest=_HTTP_CORE)
    load = _run(closed_loop(server.port, requests, clients=_CLIENTS, seconds=SECONDS))
    assert set(load.statuses()) == {200}, load.statuses()
    return len(load.answers) / load.seconds


def _run(work: Coroutine[Any, Any, Load]) -> Load:
    import uvloop

    return uvloop.run(work)


def _throughput(bundle: Path, texts: list[str], arguments: argparse.Namespace) -> list[list[object]]:
    shares, rates = [], []
    for _ in range(ROUNDS):
        before = calls_a_second(bundle, texts)
        with serving(bundle, "--threads", 1) as server:
            rates.append(_loaded(server, texts))
        shares.append(rates[-1] / ((before + calls_a_second(bundle, texts)) / 2))
    rows: list[list[object]] = [
        [
            "answers/s over a bare loop of `session.run` around it",
            f"{median(rates):.0f}; {_each(shares)}",
        ]
    ]
    for kind in _PEERS:
        python = getattr(arguments, kind)
        if python is not None:
            rows.append([f"answers/s over {kind}", _over_peer(bundle, texts, kind, python)])
    return rows


def _over_peer(bundle: Path, texts: list[str], kind: str, python: str) -> str:
    """Each has both cores, and the clients beside it: how it shares them is its own matter.

    Both stand all the time and take turns by seconds, for the machine's speed changes within a minute.
    """
    found = []
    os.sched_setaffinity(0, {MODEL_CORE, _HTTP_CORE})  # a server has the cores of who starts it
    port = free_port_here()
    command = [python, str(_PEERS[kind]), str(bundle), str(port)]
    with serving(bundle, "--threads", 2) as ours, started(command, port) as peer:
        until_open(port)
        for _ in range(_TURNS + 1):
            rates = [_everywhere(server, texts) for server in (ours, peer)]
            found.append(rates[0] / rates[1])
    warm = found[1:]  # the first turn of each warms it
    quarters = np.percentile(warm, [25, 75])
    return f"{median(warm):.2f} × ({_TURNS} turns; quartiles {quarters[0]:.2f} to {quarters[1]:.2f})"


def _everywhere(server: Server, texts: list[str]) -> float:
    """Answers a second to 16 clients, of a server that runs where it likes."""
    requests = [request(text, port=server.port) for text in texts]
    load = _run(closed_loop(server.port, requests, clients=_CLIENTS, seconds=_TURN_S))
    return load.statuses()[200] / load.seconds


def _each(values: list[float]) -> str:
    return ", ".join(f"{value:.2f}" for value in values)


def _company(bundle: Path, texts: list[str]) -> list[object]:
    """Three rounds of all sentences, each asked while 15 other clients ask random ones."""
    draw = np.random.default_rng(0)
    with serving(bundle, "--threads", 2) as server:
        requests = [request(text, port=server.port) for text in texts]

        async def alone() -> list[bytes]:
            connection = await connected(server.port)
            return [(await connection.ask(one))[1] for one in requests]

        expected = asyncio.run(alone())

        async def among() -> int:
            ends = asyncio.Event()

            async def companion() -> None:
                connection = await connected(server.port)
                while not ends.is_set():
                    await connection.ask(requests[int(draw.integers(len(requests)))])

            others = [asyncio.ensure_future(companion()) for _ in range(_COMPANIONS)]
            connection = await connected(server.port)
            equal = 0
            for _ in range(3):
                for one, body in zip(requests, expected, strict=True):
                    equal += (await connection.ask(one))[1] == body
            ends.set()
            await asyncio.gather(*others)
            return equal

        equal = asyncio.run(among())
    return [
        f"bodies equal to those asked alone, among {_COMPANIONS} companions",
        f"{equal:,} of {3 * len(texts):,}",
    ]


def _poisson(bundle: Path, texts: list[str]) -> list[list[object]]:
    def answered(times_s: list[float]) -> list[float]:
        with serving(bundle, "--threads", 1) as server:
            _loaded(server, texts)
            requests = [request(text, port=server.port) for text in texts]
            load = _run(open_loop(server.port, requests, times_s))
        assert set(load.statuses()) == {200}, load.statuses()
        return [answer.seconds for answer in load.answers]

    return over_ideal_queue(bundle, texts, answered)


def _overload(bundle: Path, texts: list[str], seconds: float) -> list[object]:
    with serving(bundle, "--threads", 1) as server:
        capacity = _loaded(server, texts)
        return overloaded(server, [request(text, port=server.port) for text in texts], capacity, seconds)


def _ready(bundle: Path) -> list[object]:
    seconds, memory = ready(bundle)
    return ["ready after, from the bundle; memory above the model file", f"{seconds:.2f} s; {memory:.0f} MiB"]


def _contract(bundle: Path, cases: int) -> list[object]:
    with serving(bundle, "--threads", 2) as server:
        return contract(server, cases, stories=False)


def _ends(bundle: Path, texts: list[str]) -> list[object]:
    broken = answered = lost = 0
    for _ in range(_ENDS):
        with serving(bundle, "--threads", 1) as server:
            load = _run(_ended(server, [request(text, port=server.port) for text in texts]))
            broken, answered, lost = broken + load.broken, answered + len(load.answers), lost + load.lost
    return [
        f"SIGTERM {_ENDS} times under load: answered; broken off; sent when it had ended",
        f"{answered:,}; {broken}; {lost}",
    ]


async def _ended(server: Server, requests: list[bytes]) -> Load:
    async def end() -> None:
        await asyncio.sleep(0.7)
        server.process.send_signal(signal.SIGTERM)

    times = [n / 300 for n in range(450)]
    load, _ = await asyncio.gather(open_loop(server.port, requests, times), end())
    return load
